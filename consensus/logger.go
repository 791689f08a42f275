package consensus

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	cmtlog "github.com/cometbft/cometbft/libs/log"

	"github.com/huchain/huchain/types"
)

// consensusFailure is the message under which CometBFT logs that its state machine
// panicked; it then stops voting for good, without any other signal.
const consensusFailure = "CONSENSUS FAILURE!!!"

// walFailure is the message of CometBFT's write-ahead log, every two seconds, when what it
// holds does not reach the disk. CometBFT then signs no vote, for it flushes before each,
// and says nothing else: the chain would wait for this validator without an end.
const walFailure = "Periodic WAL flush failed"

// routine are messages that CometBFT logs as errors though they belong to every stop.
var routine = map[string]bool{
	"Error stopping pool":                            true,
	"Stopped accept routine, as transport is closed": true,
	"Won't start a peer - switch is not running":     true,
	"Error stopping consensus state":                 true,
	"error stopping peer":                            true,
}

// cometLogger passes CometBFT's log lines to slog. CometBFT tells of every step of
// every round at its level Info; here these are Debug.
type cometLogger struct {
	log    *slog.Logger
	onFail func(error) // called with the cause of a consensus failure
	// with are keys and values that each line has. slog would format them at once, and
	// CometBFT's gossip makes loggers by the hundred a second that never write a line.
	with []any
}

var _ cmtlog.Logger = (*cometLogger)(nil)

func (l *cometLogger) Debug(msg string, kv ...any) { l.write(slog.LevelDebug-4, msg, kv) }
func (l *cometLogger) Info(msg string, kv ...any)  { l.write(slog.LevelDebug, msg, kv) }
func (l *cometLogger) Warn(msg string, kv ...any)  { l.write(slog.LevelWarn, msg, kv) }

func (l *cometLogger) Error(msg string, kv ...any) {
	switch {
	case l.onFail == nil:
	case msg == consensusFailure:
		l.onFail(failureCause(kv))
	case msg == walFailure:
		l.onFail(types.Errorf(types.CodeDiskFailure, "write-ahead log of consensus: %w", failureCause(kv)))
	}
	level := slog.LevelWarn // what a peer did wrong is logged as an error, too
	if routine[msg] {
		level = slog.LevelDebug
	}
	l.write(level, msg, kv)
}

func (l *cometLogger) With(kv ...any) cmtlog.Logger {
	return &cometLogger{log: l.log, onFail: l.onFail, with: append(slices.Clip(l.with), kv[:len(kv)&^1]...)}
}

// write formats nothing unless the line is wanted: many values are lazy and costly.
func (l *cometLogger) write(level slog.Level, msg string, kv []any) {
	if l.log.Enabled(context.Background(), level) {
		l.log.Log(context.Background(), level, msg, safeKeys(append(slices.Clip(l.with), kv...))...) //nolint:sloglint // CometBFT chose it
	}
}

// safeKeys makes sure that keys are strings and come in pairs, as slog wants them.
func safeKeys(kv []any) []any {
	out := make([]any, 0, len(kv)+1)
	for i := 0; i+1 < len(kv); i += 2 {
		key, ok := kv[i].(string)
		if !ok {
			key = fmt.Sprint(kv[i])
		}
		if key == slog.MessageKey || key == slog.LevelKey || key == slog.TimeKey {
			key = "comet_" + key // taken by slog
		}
		value := kv[i+1]
		if s, ok := value.(fmt.Stringer); ok {
			value = lazy{s}
		}
		out = append(out, key, value)
	}
	return out
}

// lazy defers String until a handler wants it.
type lazy struct{ s fmt.Stringer }

// LogValue implements slog.LogValuer. A nil pointer whose String panics is no reason to
// lose a log line.
func (l lazy) LogValue() (v slog.Value) {
	defer func() {
		if recover() != nil {
			v = slog.StringValue("<nil>")
		}
	}()
	return slog.StringValue(l.s.String())
}

func failureCause(kv []any) error {
	for i := 0; i+1 < len(kv); i += 2 {
		if kv[i] == "err" {
			if err, ok := kv[i+1].(error); ok {
				return err
			}
			return fmt.Errorf("%v", kv[i+1])
		}
	}
	return fmt.Errorf("consensus failed")
}
