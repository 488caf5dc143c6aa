//go:build race

package server_test

// stride: with the race detector a run takes many times as long, and every
// statement has its turn without it.
const stride = 37
