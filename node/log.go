package node

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

func parseLevel(s string) (slog.Level, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(s)); err != nil {
		return l, fmt.Errorf("log.level: %q is none of debug, info, warn, error", s)
	}
	return l, nil
}

// NewLogger logs to a file in the home, which is turned over by size, and to stderr, as
// configured; without a file, to stderr. Close the returned closer last. Attributes whose name speaks of secrets
// are blanked, whoever logs them.
func NewLogger(home Home, c LogConfig, stderr io.Writer) (*slog.Logger, io.Closer, error) {
	level, err := parseLevel(c.Level)
	if err != nil {
		return nil, nil, err
	}
	opts := &slog.HandlerOptions{Level: level, ReplaceAttr: hideSecrets}
	handler := func(w io.Writer) slog.Handler {
		if c.Format == "json" {
			return slog.NewJSONHandler(w, opts)
		}
		return slog.NewTextHandler(w, opts)
	}
	var to []slog.Handler
	if c.Stderr || c.File == "" {
		to = append(to, handler(stderr))
	}
	if c.File == "" {
		return slog.New(to[0]), io.NopCloser(nil), nil
	}
	path := c.File
	if !filepath.IsAbs(path) {
		path = filepath.Join(home.Dir, path)
	}
	f, err := openRotating(path, int64(c.MaxMiB)<<20, c.KeepOld)
	if err != nil {
		return nil, nil, err
	}
	return slog.New(slog.NewMultiHandler(append(to, handler(f))...)), f, nil
}

func hideSecrets(_ []string, a slog.Attr) slog.Attr {
	name := strings.ToLower(a.Key)
	for _, s := range []string{"passphrase", "password", "secret", "privatekey", "private_key"} {
		if strings.Contains(name, s) {
			return slog.String(a.Key, "(hidden)")
		}
	}
	return a
}

// rotating is a log file that is renamed to .1, .2, … when it has grown to max bytes.
type rotating struct {
	path string
	max  int64
	keep int

	mu   sync.Mutex
	file *os.File
	size int64
}

func openRotating(path string, max int64, keep int) (*rotating, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	r := &rotating{path: path, max: max, keep: keep}
	return r, r.open()
}

func (r *rotating) open() error {
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return fmt.Errorf("open log: %w", err)
	}
	r.file, r.size = f, info.Size()
	return nil
}

// Write implements io.Writer; one call is one line and is never split.
func (r *rotating) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.size > 0 && r.size+int64(len(p)) > r.max {
		if err := r.turn(); err != nil {
			return 0, err
		}
	}
	n, err := r.file.Write(p)
	r.size += int64(n)
	return n, err
}

func (r *rotating) turn() error {
	r.file.Close()
	name := func(i int) string { return fmt.Sprintf("%s.%d", r.path, i) }
	if r.keep == 0 {
		os.Remove(r.path)
	} else {
		for i := r.keep - 1; i >= 1; i-- {
			os.Rename(name(i), name(i+1)) //nolint:errcheck // there may be none yet
		}
		os.Rename(r.path, name(1)) //nolint:errcheck // opening the new file tells what is wrong
	}
	return r.open()
}

// Close closes the file.
func (r *rotating) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.file.Close()
}
