package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
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
func (a *app) trust(ctx context.Context, cl *client.Client, p client.Profile, genesisFile string) (client.Trust, error) {
	if genesisFile == "" {
		genesisFile = p.GenesisFile
	}
	if genesisFile != "" {
		raw, err := os.ReadFile(genesisFile)
		if err != nil {
			return client.Trust{}, types.Errorf(types.CodeGenesisInvalid, "%w", err)
		}
		return client.TrustGenesis(raw)
	}
	if cl == nil {
		return client.Trust{}, types.Errorf(types.CodeUsage, "whom to trust? name the chain's genesis file with --genesis")
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
	proven, err := client.VerifyProof(raw, t)
	if err != nil {
		return nil, err
	}
	if err := agrees(proven); err != nil {
		return nil, err
	}
	if !cl.Pinned() {
		fmt.Fprintln(a.err, a.say("注意：创世哈希取自该节点，证明只与它的说法相符；请用 --profile 固定创世哈希。",
			"note: the genesis hash is this node's word; pin it in a profile for the proof to stand on its own"))
	}
	if f.out != "" {
		text, err := client.FormatProof(raw)
		if err != nil {
			return nil, err
		}
		if err := node.WriteFile(f.out, text, 0o644); err != nil {
			return nil, err
		}
	}
	return proven, nil
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

func proofCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "proof", Short: "export proofs and check them without a node"}
	c.AddCommand(proofExportCmd(a), proofVerifyCmd(a))
	return c
}

func proofExportCmd(a *app) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use: "export tx ID | state NS KEY", Short: "fetch a proof, check it, and write it to a file",
		Example: "  huchain proof export tx 4be1… --out tx.proof\n  huchain proof export state evidence 0x65… --out row.proof",
		Args:    takes(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usage(cmd, "--out is required")
			}
			ctx, f := cmd.Context(), proveFlags{prove: true, out: out}
			cl, p, err := a.connect(ctx)
			if err != nil {
				return err
			}
			var proven *client.Proven
			switch {
			case args[0] == "tx" && len(args) == 2:
				id, perr := crypto.ParseHash(args[1])
				if perr != nil {
					return usage(cmd, "transaction id: %v", perr)
				}
				tx, terr := cl.Tx(ctx, id, true)
				if terr != nil {
					return terr
				}
				proven, err = a.check(ctx, cl, p, f, tx.Proof, func(v *client.Proven) error { return v.IsTx(tx) })
			case args[0] == "state" && len(args) == 3:
				key, kerr := parseKey(args[2])
				if kerr != nil {
					return usage(cmd, "%v", kerr)
				}
				st, serr := cl.State(ctx, args[1], key, true)
				if serr != nil {
					return serr
				}
				proven, err = a.check(ctx, cl, p, f, st.Proof, func(v *client.Proven) error { return v.IsState(st) })
			default:
				return usage(cmd, "%q: export tx ID, or export state NS KEY", strings.Join(args, " "))
			}
			if err != nil {
				return err
			}
			return a.printProven(proven, out)
		},
	}
	c.Flags().StringVar(&out, "out", "", "file to write")
	return c
}

func proofVerifyCmd(a *app) *cobra.Command {
	var genesis string
	c := &cobra.Command{
		Use: "verify FILE", Short: "check a proof against a genesis file, without a node",
		Long: "Checks a proof: that its fact leads to the content root of a block header, that the header is of the chain\n" +
			"whose genesis file is given, and that more than two thirds of the validators signed it. No network is used.",
		Example: "  huchain proof verify tx.proof --genesis genesis.json\n  huchain proof verify tx.proof      # genesis file of the profile",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := readProof(args[0], a.in)
			if err != nil {
				return err
			}
			var p client.Profile
			if genesis == "" {
				if p, err = a.profileOf(); err != nil {
					return types.Errorf(types.CodeUsage, "name the chain's genesis file with --genesis: %w", err)
				}
			}
			t, err := a.trust(cmd.Context(), nil, p, genesis)
			if err != nil {
				return err
			}
			proven, err := client.VerifyProof(raw, t)
			if err != nil {
				return err
			}
			return a.printProven(proven, args[0])
		},
	}
	c.Flags().StringVar(&genesis, "genesis", "", "genesis file of the chain (default: the profile's)")
	return c
}

// readProof reads a proof file, in any form ParseProof knows.
func readProof(path string, in io.Reader) ([]byte, error) {
	const max = 8 << 20
	var text []byte
	var err error
	if path == "-" {
		text, err = io.ReadAll(io.LimitReader(in, max))
	} else {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, types.Errorf(types.CodeUsage, "%w", err)
	}
	raw, err := client.ParseProof(text)
	if err != nil {
		if e, ok := rest.AsError(err); ok {
			err = &types.Error{Code: e.Code, Detail: path + ": " + e.Detail, Err: err}
		}
		return nil, err
	}
	return raw, nil
}

func (a *app) printProven(p *client.Proven, file string) error {
	return a.print(p, func(w io.Writer) {
		fmt.Fprintln(w, a.say("证明有效", "the proof is valid"))
		a.fields(w, field{"文件", "file", file}, field{"事实", "fact", p})
		if p.Fact == "state" {
			a.fields(w, field{"值", "value", printable(p.Value)}, field{"写入高度", "written at", p.WrittenAt})
		}
		if p.Receipt != nil {
			a.fields(w, field{"结论", "outcome", p.Receipt.Code + " " + p.Receipt.Error})
		}
		a.fields(w, field{"创世哈希", "genesis", p.Genesis}, field{"高度", "height", p.Height}, field{"区块头", "header", p.Header},
			field{"时间", "time", p.Time.Format(time.RFC3339)},
			field{"锚点距今", "anchor age", (time.Duration(p.AgeSeconds) * time.Second).String()},
			field{"签名", "signatures", fmt.Sprintf("%d/%d", p.Signatures, p.Validators)})
	})
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
