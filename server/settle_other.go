//go:build !linux

package server

func dropStart() {}
