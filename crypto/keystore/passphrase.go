package keystore

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"golang.org/x/term"

	"github.com/huchain/huchain/types"
)

const (
	// PassphraseFileEnv names the environment variable that holds the path of a
	// passphrase file.
	PassphraseFileEnv = "HUCHAIN_PASSPHRASE_FILE"
	// MaxPassphrase bounds a passphrase in bytes.
	MaxPassphrase = 1024
)

// ReadPassphrase returns the passphrase in file; if file is empty, the one in the file
// that HUCHAIN_PASSPHRASE_FILE names; otherwise it asks at the terminal without echo.
// A file holds the passphrase in its first and only line; the line end does not count.
// Errors carry HC-6102.
func ReadPassphrase(file string) ([]byte, error) {
	return source{file, os.Getenv, askTerminal}.read(false)
}

// ReadNewPassphrase is ReadPassphrase for a key about to be made: at the terminal it
// asks twice.
func ReadNewPassphrase(file string) ([]byte, error) {
	return source{file, os.Getenv, askTerminal}.read(true)
}

// source is where a passphrase comes from; tests replace environment and terminal.
type source struct {
	file string
	env  func(string) string
	ask  func(prompt string) ([]byte, error)
}

func (s source) read(confirm bool) ([]byte, error) {
	file := s.file
	if file == "" {
		file = s.env(PassphraseFileEnv)
	}
	if file != "" {
		text, err := readPrivate(file)
		if err != nil {
			return nil, &types.Error{Code: types.CodePassphrase, Detail: fmt.Sprintf("passphrase file %s: %v", file, err), Err: err}
		}
		return checkPassphrase(text)
	}
	first, err := s.askOne("Passphrase: ")
	if err != nil || !confirm {
		return first, err
	}
	second, err := s.askOne("Passphrase again: ")
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(first, second) {
		return nil, types.Errorf(types.CodePassphrase, "the two entries differ")
	}
	return first, nil
}

func (s source) askOne(prompt string) ([]byte, error) {
	text, err := s.ask(prompt)
	if err != nil {
		return nil, &types.Error{Code: types.CodePassphrase, Detail: err.Error(), Err: err}
	}
	return checkPassphrase(text)
}

func checkPassphrase(text []byte) ([]byte, error) {
	text = bytes.TrimSuffix(text, []byte("\n"))
	text = bytes.TrimSuffix(text, []byte("\r"))
	switch {
	case len(text) == 0:
		return nil, types.Errorf(types.CodePassphrase, "the passphrase is empty")
	case len(text) > MaxPassphrase:
		return nil, types.Errorf(types.CodePassphrase, "the passphrase is longer than %d bytes", MaxPassphrase)
	case bytes.ContainsAny(text, "\r\n\x00"):
		return nil, types.Errorf(types.CodePassphrase, "the passphrase is more than one line")
	}
	return text, nil
}

func askTerminal(prompt string) ([]byte, error) {
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) {
		return nil, errors.New("no terminal to ask at: name a passphrase file, or set " + PassphraseFileEnv)
	}
	fmt.Fprint(os.Stderr, prompt)
	defer fmt.Fprintln(os.Stderr)
	return term.ReadPassword(fd)
}
