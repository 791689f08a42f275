package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// usage of a process so far.
type processUsage struct {
	cpu      time.Duration
	rssBytes int64
}

// readUsage reads user and system time and resident memory of a process from /proc. The
// kernel counts time in ticks of 10 ms.
func readUsage(pid int) (processUsage, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return processUsage{}, err
	}
	i := bytes.LastIndexByte(raw, ')') // the command name may hold anything
	fields := bytes.Fields(raw[i+1:])
	if len(fields) < 22 {
		return processUsage{}, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	num := func(i int) int64 {
		v, _ := strconv.ParseInt(string(fields[i]), 10, 64)
		return v
	}
	ticks := num(11) + num(12)
	return processUsage{
		cpu:      time.Duration(ticks) * 10 * time.Millisecond,
		rssBytes: num(21) * int64(os.Getpagesize()),
	}, nil
}
