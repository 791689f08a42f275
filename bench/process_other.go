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

// MachineLoad is not known here.
func MachineLoad() float64 { return 0 }

type machine struct {
	cpu         string
	memoryBytes int64
}

func thisMachine() machine { return machine{} }

// ProcessCPU is not known here.
func ProcessCPU(pid int) (time.Duration, error) {
	u, err := readUsage(pid)
	return u.cpu, err
}
