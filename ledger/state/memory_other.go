//go:build !unix

package state

func mapMemory(int) []byte { return nil }

func unmapMemory([]byte) error { return nil }
