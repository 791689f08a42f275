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

// MachineLoad is how many tasks ran or waited to run on this machine in the last minute,
// on average: what a measurement must share it with.
func MachineLoad() float64 {
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := bytes.Cut(raw, []byte(" "))
	load, err := strconv.ParseFloat(string(first), 64)
	if err != nil {
		return 0
	}
	return load
}

// machine is what a run happens on.
type machine struct {
	cpu         string
	memoryBytes int64
}

func thisMachine() machine {
	m := machine{cpu: valueOf("/proc/cpuinfo", "model name")}
	var kib int64
	if _, err := fmt.Sscan(valueOf("/proc/meminfo", "MemTotal"), &kib); err == nil {
		m.memoryBytes = kib << 10
	}
	return m
}

// valueOf finds the first line "name: value" of a file, "" if there is none.
func valueOf(file, name string) string {
	raw, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for _, line := range bytes.Split(raw, []byte("\n")) {
		key, value, ok := bytes.Cut(line, []byte(":"))
		if ok && string(bytes.TrimSpace(key)) == name {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}

// ProcessCPU is the processor time that a process has used so far.
func ProcessCPU(pid int) (time.Duration, error) {
	u, err := readUsage(pid)
	return u.cpu, err
}
