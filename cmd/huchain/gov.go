package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

func govCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "gov", Short: "decide together: propose, sign, vote",
		Long: "Changes of parameters, rules, validators, organisations and contracts that need several organisations are made by\n" +
			"proposal: a list of calls that take effect together, in the block of the deciding vote, once the rule of every one\n" +
			"is satisfied by those who approve. Approvals are votes sent to the chain, or signatures collected in a file."}
	c.AddCommand(govProposeCmd(a), govSignCmd(a), govVoteCmd(a), govWithdrawCmd(a), govListCmd(a), govShowCmd(a), govRulesCmd(a))
	return c
}

// parseAction reads CONTRACT.METHOD=JSON; JSON may be @FILE.
func parseAction(text string) (types.Action, error) {
	name, args, _ := strings.Cut(text, "=")
	contract, method, ok := strings.Cut(name, ".")
	if !ok {
		return types.Action{}, fmt.Errorf("%q is not CONTRACT.METHOD=JSON", text)
	}
	raw := []byte(args)
	if file, ok := strings.CutPrefix(args, "@"); ok {
		var err error
		if raw, err = os.ReadFile(file); err != nil {
			return types.Action{}, err
		}
	}
	if len(raw) == 0 {
		raw = []byte("{}")
	}
	act := types.Action{Contract: contract, Method: method}
	if err := json.Unmarshal(raw, &act.Args); err != nil {
		return act, fmt.Errorf("arguments of %s: %w", name, err)
	}
	return act, nil
}

func govProposeCmd(a *app) *cobra.Command {
	var s signing
	var title, out string
	var actions []string
	var valid time.Duration
	c := &cobra.Command{
		Use: "propose [FILE]", Short: "write a proposal down, or put one before the chain",
		Long: "With --action a proposal is written: to the file --out, for others to sign, or else to the chain at once. With FILE a\n" +
			"proposal from such a file is put before the chain, with the signatures in it; the member that sends it approves it.",
		Example: "  huchain gov propose --title \"more gas\" --action 'governance.setParams={\"maxTxGas\":2000000000}' --as archives/admin\n" +
			"  huchain gov propose --title \"node5 votes\" --action governance.addValidator=@validator.json --out node5.proposal\n" +
			"  huchain gov propose node5.proposal --as archives/admin",
		Args: takes(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 1) == (len(actions) > 0) || len(args) == 1 && out != "" {
				return usage(cmd, "either FILE, or --action with or without --out")
			}
			var f *client.ProposalFile
			var err error
			if len(args) == 1 {
				f, err = readProposal(args[0])
			} else {
				f, err = a.newProposal(cmd, title, valid, actions)
			}
			if err != nil {
				return err
			}
			if out != "" {
				return a.saveProposal(f, out)
			}
			return s.decide(cmd, a, func(cl *client.Client, by *client.Identity) (*client.Decision, error) {
				return cl.Propose(cmd.Context(), by, f)
			})
		},
	}
	c.Flags().StringVar(&title, "title", "", "what it is about")
	c.Flags().StringArrayVar(&actions, "action", nil, "CONTRACT.METHOD=JSON, or =@FILE; may be repeated: all take effect, or none")
	c.Flags().DurationVar(&valid, "valid", 30*24*time.Hour, "how long it can be voted on, at most 4320h")
	c.Flags().StringVar(&out, "out", "", "write the proposal to this file instead of the chain")
	s.flags(a, c)
	return c
}

// newProposal writes a proposal down; the profile names the chain, so no node is needed.
func (a *app) newProposal(cmd *cobra.Command, title string, valid time.Duration, texts []string) (*client.ProposalFile, error) {
	var actions []types.Action
	for _, t := range texts {
		act, err := parseAction(t)
		if err != nil {
			return nil, usage(cmd, "--action: %v", err)
		}
		actions = append(actions, act)
	}
	p, err := a.profileOf()
	if err != nil {
		return nil, err
	}
	genesis, err := crypto.ParseHash(p.Genesis)
	if err != nil {
		cl, cerr := p.Connect(cmd.Context())
		if cerr != nil {
			return nil, cerr
		}
		genesis = cl.Genesis()
	}
	return client.NewProposal(genesis, title, time.Now().Add(valid), actions)
}

func readProposal(path string) (*client.ProposalFile, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, types.Errorf(types.CodeUsage, "%w", err)
	}
	return client.ParseProposalFile(text)
}

func (a *app) saveProposal(f *client.ProposalFile, path string) error {
	text, err := f.Encode()
	if err != nil {
		return err
	}
	if err := node.WriteFile(path, text, 0o644); err != nil {
		return err
	}
	return a.print(f, func(w io.Writer) {
		a.fields(w, field{"文件", "file", path}, field{"提案", "proposal", f.ID})
		a.writeContent(w, &f.Content)
		for _, e := range f.Endorsements {
			fmt.Fprintf(w, "%s\t%s\n", a.say("签署人", "signed by"), e.Member)
		}
	})
}

func (a *app) writeContent(w io.Writer, d *types.ProposalDocument) {
	a.fields(w, field{"标题", "title", d.Title}, field{"截止", "until", d.ValidUntil.Format(time.RFC3339)}, field{"创世哈希", "genesis", d.Genesis})
	for _, x := range d.Actions {
		fmt.Fprintf(w, "%s\t%s.%s %s\n", a.say("动作", "action"), x.Contract, x.Method, x.Args)
	}
}

func govSignCmd(a *app) *cobra.Command {
	var as, pass string
	c := &cobra.Command{
		Use: "sign FILE", Short: "approve a proposal in a file; no node is needed",
		Long:    "Shows the proposal and adds the member's signature to the file. It counts once somebody brings it to the chain.",
		Example: "  huchain gov sign node5.proposal --as court/admin",
		Args:    takes(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := readProposal(args[0])
			if err != nil {
				return err
			}
			p, err := a.profileOf()
			if err != nil {
				return err
			}
			if p.Genesis != "" && p.Genesis != f.Content.Genesis.String() {
				return types.Errorf(types.CodeWrongGenesis, "the proposal is for %s, the profile's chain is %s", f.Content.Genesis, p.Genesis)
			}
			by, err := a.identity(p, as, pass)
			if err != nil {
				return err
			}
			if err := f.Sign(by); err != nil {
				return err
			}
			return a.saveProposal(f, args[0])
		},
	}
	a.asFlag(c, &as, "member that signs")
	passphraseFlag(c, &pass)
	return c
}

// decide connects as a member, makes one call of governance and shows what came of it.
func (s *signing) decide(cmd *cobra.Command, a *app, call func(*client.Client, *client.Identity) (*client.Decision, error)) error {
	cl, by, err := s.connect(cmd.Context(), a)
	if err != nil {
		return err
	}
	d, err := call(cl, by)
	if err != nil {
		return err
	}
	err = a.print(d, func(w io.Writer) {
		states := map[string]string{"open": "票数未足，尚未生效", "adopted": "已通过并生效", "failed": "已通过，但执行失败，未生效", "withdrawn": "已撤回"}
		english := map[string]string{"open": "open: not enough votes yet, nothing has taken effect", "adopted": "adopted, in effect", "failed": "approved, but it failed; nothing took effect", "withdrawn": "withdrawn"}
		fmt.Fprintln(w, a.say(states[d.State], english[d.State]))
		a.fields(w, field{"提案", "proposal", d.ID}, field{"原因", "because", d.Error}, field{"高度", "height", d.Height}, field{"交易", "tx", d.TxID})
	})
	if err == nil && d.State == "failed" {
		err = types.Errorf(types.CodeContractError, "%s", d.Error)
	}
	return err
}

func govVoteCmd(a *app) *cobra.Command {
	var s signing
	var reject bool
	c := &cobra.Command{
		Use: "vote ID|FILE", Short: "vote on a proposal, or bring the signatures of a file to the chain",
		Long: "With the id of a proposal the member votes for it, or with --reject against it; the vote can be changed until the\n" +
			"proposal is decided. With a file, its signatures count, and the member that brings them need not be one of them.",
		Example: "  huchain gov vote 3f9a… --as court/admin\n  huchain gov vote node5.proposal --as archives/clerk",
		Args:    takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := crypto.ParseHash(args[0])
			var f *client.ProposalFile
			if err != nil {
				if reject {
					return usage(cmd, "--reject goes with the id of a proposal")
				}
				if f, err = readProposal(args[0]); err != nil {
					return err
				}
			}
			return s.decide(cmd, a, func(cl *client.Client, by *client.Identity) (*client.Decision, error) {
				if f != nil {
					return cl.Endorse(cmd.Context(), by, f)
				}
				return cl.Vote(cmd.Context(), by, id, !reject)
			})
		},
	}
	c.Flags().BoolVar(&reject, "reject", false, "vote against it")
	s.flags(a, c)
	return c
}

func govWithdrawCmd(a *app) *cobra.Command {
	var s signing
	c := &cobra.Command{
		Use: "withdraw ID", Short: "close a proposal of one's own", Example: "  huchain gov withdraw 3f9a… --as archives/admin", Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := crypto.ParseHash(args[0])
			if err != nil {
				return usage(cmd, "proposal id: %v", err)
			}
			return s.decide(cmd, a, func(cl *client.Client, by *client.Identity) (*client.Decision, error) {
				return cl.Withdraw(cmd.Context(), by, id)
			})
		},
	}
	s.flags(a, c)
	return c
}

func govListCmd(a *app) *cobra.Command {
	var state, after string
	c := &cobra.Command{
		Use: "list", Short: "proposals on the chain", Example: "  huchain gov list --state open", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var from crypto.Hash
			if after != "" {
				var err error
				if from, err = crypto.ParseHash(after); err != nil {
					return usage(cmd, "--after: %v", err)
				}
			}
			cl, _, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			items, next, err := cl.Proposals(cmd.Context(), state, from)
			if err != nil {
				return err
			}
			return a.print(map[string]any{"items": items, "next": next}, func(w io.Writer) {
				for i := range items {
					p := &items[i]
					yes := 0
					for _, v := range p.Votes {
						if v.Approve {
							yes++
						}
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s %d/%d\n", p.ID, a.proposalState(p), p.Content.Title, a.say("赞成", "approve"), yes, len(p.Votes))
				}
				if next != nil {
					fmt.Fprintf(w, "…\t--after %s\n", next)
				}
			})
		},
	}
	c.Flags().StringVar(&state, "state", "", "only those that are open, adopted, failed or withdrawn")
	c.Flags().StringVar(&after, "after", "", "continue behind this proposal")
	return c
}

func (a *app) proposalState(p *client.Proposal) string {
	if p.Expired {
		return a.say("已过期", "expired")
	}
	zh := map[string]string{"open": "表决中", "adopted": "已生效", "failed": "失败", "withdrawn": "已撤回"}
	return a.say(zh[p.State], p.State)
}

func govShowCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "a proposal with its votes", Example: "  huchain gov show 3f9a…", Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := crypto.ParseHash(args[0])
			if err != nil {
				return usage(cmd, "proposal id: %v", err)
			}
			cl, _, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			p, err := cl.Proposal(cmd.Context(), id)
			if err != nil {
				return err
			}
			return a.print(p, func(w io.Writer) {
				a.fields(w, field{"提案", "proposal", p.ID}, field{"状态", "state", a.proposalState(p)}, field{"原因", "because", p.Error}, field{"提案人", "proposer", p.Proposer})
				a.writeContent(w, &p.Content)
				for _, v := range p.Votes {
					fmt.Fprintf(w, "%s\t%s (%s %d)\n", map[bool]string{true: a.say("赞成", "approves"), false: a.say("反对", "rejects")}[v.Approve], v.Member, a.say("高度", "height"), v.Height)
				}
			})
		},
	}
}

func govRulesCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "rules", Short: "who may do what in the chain's own contracts, and what governance has set", Example: "  huchain gov rules", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, _, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			rules, err := cl.Rules(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(map[string]any{"items": rules}, func(w io.Writer) {
				for _, r := range rules {
					set := ""
					if r.Governed {
						set = a.say("（治理设定）", "(set by governance)")
					}
					fmt.Fprintf(w, "%s.%s\t%s %s\n", r.Contract, r.Method, r.Allow, set)
				}
			})
		},
	}
}
