package testkit

import (
	"fmt"
	"os"
	"testing"

	"github.com/huchain/huchain/vm/engine"
)

// compiled is the folder in which the tests share compiled contracts.
var compiled string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if compiled, err = os.MkdirTemp("", "compiled"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(compiled) //nolint:errcheck // a temporary folder
		return m.Run()
	}())
}

// engineParams are the default ones, with what other tests compiled.
func engineParams() engine.Params {
	p := engine.DefaultParams()
	p.CacheDir = compiled
	return p
}
