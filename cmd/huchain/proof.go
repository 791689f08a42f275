package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crosschain/light"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

// proveFlags are the flags of queries that can be proven.
type proveFlags struct {
	prove bool
	out   string
}

func (p *proveFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&p.prove, "prove", false, "fetch a proof and check it here")
	c.Flags().StringVar(&p.out, "out", "", "write the proof to this file")
	c.PreRun = func(*cobra.Command, []string) { p.prove = p.prove || p.out != "" }
}

// trust is what proofs are checked against: the genesis file on this machine, else the
// node's, whose hash must be the pinned one.
func (a *app) trust(ctx context.Context, cl *client.Client, p client.Profile, genesisFile string) (*client.Trust, error) {
	if genesisFile == "" {
		genesisFile = p.GenesisFile
	}
	if genesisFile != "" {
		raw, err := os.ReadFile(genesisFile)
		if err != nil {
			return nil, types.Errorf(types.CodeGenesisInvalid, "%w", err)
		}
		return light.TrustGenesis(raw)
	}
	if cl == nil {
		return nil, types.Errorf(types.CodeUsage, "whom to trust? name the chain's genesis file with --genesis")
	}
	return cl.Trust(ctx)
}

// check verifies the proof of an answer, if one was asked for, and that it shows what
// the node answered.
func (a *app) check(ctx context.Context, cl *client.Client, p client.Profile, f proveFlags, raw []byte, agrees func(*client.Proven) error) (*client.Proven, error) {
	if !f.prove {
		return nil, nil
	}
	t, err := a.trust(ctx, cl, p, "")
	if err != nil {
		return nil, err
	}
	proven, err := cl.CheckProof(ctx, raw, t)
	if err != nil {
		return nil, err
	}
	if err := agrees(proven); err != nil {
		return nil, err
	}
	a.warnUnpinned(cl)
	if f.out != "" {
		d, err := cl.ProofDossier(ctx, t, raw)
		if err != nil {
			return nil, err
		}
		if err := writeDossier(f.out, d); err != nil {
			return nil, err
		}
	}
	return proven, nil
}

func (a *app) warnUnpinned(cl *client.Client) {
	if !cl.Pinned() {
		fmt.Fprintln(a.err, a.say("注意：创世哈希取自该节点，证明只与它的说法相符；请用 --profile 固定创世哈希。",
			"note: the genesis hash is this node's word; pin it in a profile for the proof to stand on its own"))
	}
}

func writeDossier(file string, d *light.Dossier) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	return node.WriteFile(file, append(text, '\n'), 0o644)
}

// withProof adds what was checked to a JSON answer.
func withProof(v any, p *client.Proven) any {
	if p == nil {
		return v
	}
	return map[string]any{"answer": v, "proven": p}
}

func (a *app) writeProven(w io.Writer, p *client.Proven) {
	if p == nil {
		return
	}
	fmt.Fprintf(w, "%s\t%s\n", a.say("证明", "proof"), fmt.Sprintf(a.say("有效：高度 %d，%d/%d 个共识节点签名，%d 字节，锚定于 %s 前",
		"valid: height %d, signed by %d of %d validators, %d bytes, anchor %s old"),
		p.Height, p.Signatures, p.Validators, p.SizeBytes, (time.Duration(p.AgeSeconds)*time.Second).String()))
}

// printable shows a key or value: text with bytes that cannot be shown as \xNN, or 0x and
// hex digits where it is no text. parseKey reads both.
func printable(b []byte) string {
	if !utf8.Valid(b) {
		return "0x" + hex.EncodeToString(b)
	}
	var out strings.Builder
	for _, r := range string(b) {
		switch {
		case r == '\\':
			out.WriteString(`\x5c`)
		case unicode.IsPrint(r):
			out.WriteRune(r)
		case r < utf8.RuneSelf:
			fmt.Fprintf(&out, `\x%02x`, r)
		default:
			return "0x" + hex.EncodeToString(b)
		}
	}
	return out.String()
}

// parseKey reads a state key: 0x and hex digits, or text in which \xNN stands for a byte.
func parseKey(s string) ([]byte, error) {
	if digits, ok := strings.CutPrefix(s, "0x"); ok {
		return hex.DecodeString(digits)
	}
	var out []byte
	for len(s) > 0 {
		i := strings.Index(s, `\x`)
		if i < 0 {
			return append(out, s...), nil
		}
		if len(s) < i+4 {
			return nil, fmt.Errorf(`\x needs two hex digits`)
		}
		b, err := hex.DecodeString(s[i+2 : i+4])
		if err != nil {
			return nil, err
		}
		out, s = append(append(out, s[:i]...), b[0]), s[i+4:]
	}
	return out, nil
}
