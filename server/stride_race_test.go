//go:build race

package server_test

// stride: with the race detector a walk takes many times as long.
const stride = 37
