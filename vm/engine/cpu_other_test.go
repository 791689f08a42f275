//go:build !linux

package engine

import "time"

var started = time.Now()

// threadTime is the clock where the system doesn't tell a thread's processor time.
func threadTime() time.Duration { return time.Since(started) }
