//go:build !race

package server_test

const stride = 1
