//go:build !linux

package bench

import (
	"errors"
	"time"
)

type processUsage struct {
	cpu      time.Duration
	rssBytes int64
}

func readUsage(int) (processUsage, error) {
	return processUsage{}, errors.New("CPU time and memory of other processes are read on Linux only")
}
