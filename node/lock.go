package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/huchain/huchain/types"
)

// Owner is what a lock file says about the process that holds the lock.
type Owner struct {
	PID       int       `json:"pid"`
	Ticks     uint64    `json:"startTicks"` // start of the process in clock ticks since boot; 0 where unknown
	Started   time.Time `json:"started"`
	Program   string    `json:"program"`
	Addresses []string  `json:"addresses,omitempty"`
}

// Lock is a lock on a home folder, held by this process until Release or its end.
type Lock struct {
	file  *os.File
	owner Owner
}

// Acquire locks a file for this process and writes who holds it. If another process
// does, the error is HC-1005 and says which. The lock is the kernel's (flock): it goes
// with the process, however that ends, and a stale file means nothing.
func Acquire(path string) (*Lock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := flock(f, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if o, ok := readOwner(path); ok {
			return nil, types.Errorf(types.CodeHomeLocked, "%s is in use by process %d (%s, since %s)",
				filepath.Dir(path), o.PID, o.Program, o.Started.Local().Format(time.DateTime))
		}
		return nil, types.Errorf(types.CodeHomeLocked, "%s is in use by another process", filepath.Dir(path))
	}
	l := &Lock{file: f, owner: Owner{
		PID: os.Getpid(), Ticks: startTicks(os.Getpid()), Started: time.Now().Truncate(time.Second),
		Program: strings.Join(os.Args, " "),
	}}
	return l, l.write()
}

// SetAddresses notes in the lock file where the process listens.
func (l *Lock) SetAddresses(addrs ...string) error {
	l.owner.Addresses = addrs
	return l.write()
}

func (l *Lock) write() error {
	raw, err := json.Marshal(l.owner)
	if err != nil {
		return err
	}
	if err := l.file.Truncate(0); err != nil {
		return fmt.Errorf("write lock: %w", err)
	}
	_, err = l.file.WriteAt(append(raw, '\n'), 0)
	return err
}

// Release gives the lock up. The file stays; it means nothing without the lock.
func (l *Lock) Release() { l.file.Close() }

// Holder returns the process that holds the lock at path now, verified by the lock
// itself and by the process's start time, so that a reused process id is never taken
// for it. ok is false if nobody holds the lock.
func Holder(path string) (o Owner, ok bool) {
	f, err := os.Open(path)
	if err != nil {
		return Owner{}, false
	}
	defer f.Close()
	if err := flock(f, unix.LOCK_SH|unix.LOCK_NB); err == nil {
		return Owner{}, false // free: closing gives the shared lock back
	}
	for range 20 { // the holder writes its name right after taking the lock
		if o, ok = readOwner(path); ok && o.Alive() {
			return o, true
		}
		time.Sleep(5 * time.Millisecond)
	}
	return Owner{}, false
}

// Alive reports whether the process that wrote the lock file still runs.
func (o Owner) Alive() bool {
	if o.PID <= 1 || unix.Kill(o.PID, 0) != nil {
		return false
	}
	now := startTicks(o.PID)
	return o.Ticks == 0 || now == 0 || now == o.Ticks
}

func flock(f *os.File, how int) error {
	for {
		if err := unix.Flock(int(f.Fd()), how); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func readOwner(path string) (Owner, bool) {
	raw, err := os.ReadFile(path)
	var o Owner
	return o, err == nil && json.Unmarshal(raw, &o) == nil && o.PID > 0
}

// startTicks reads field 22 of /proc/<pid>/stat; 0 where there is none.
func startTicks(pid int) uint64 {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	i := strings.LastIndexByte(string(raw), ')') // the name may hold spaces
	fields := strings.Fields(string(raw[i+1:]))
	if len(fields) < 20 {
		return 0
	}
	n, _ := strconv.ParseUint(fields[19], 10, 64)
	return n
}
