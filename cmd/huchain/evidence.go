package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

func evidenceCmd(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "evidence", Short: "deposit, verify and certify evidence by the evidence service",
		Long: "A node with evidence.enabled = true in chain.toml offers the evidence service: it keeps originals encrypted, puts\n" +
			"their hashes on the chain, and serves tenants. A member whom --as names logs in by certificate; without --as the\n" +
			"key of the profile (apiKeyFile) is shown. \"evidence verify FILE\" needs neither.",
		Example: "  huchain evidence apply 市档案局 --kind department --app oa --as clerk\n  huchain evidence deposit contract.pdf --tag 合同 --as clerk\n" +
			"  huchain evidence verify contract.pdf",
	}
	c.AddCommand(evidenceApplyCmd(a), evidenceOpeningsCmd(a), evidenceDecideCmd(a), evidenceClaimCmd(a), evidenceAppCmd(a), evidenceTemplateCmd(a),
		evidenceDepositCmd(a), evidenceSearchCmd(a), evidenceReceiptCmd(a), evidenceVerifyCmd(a), evidenceFetchCmd(a, "original"), evidenceFetchCmd(a, "certificate"),
		evidenceGrantCmd(a), evidenceGrantsCmd(a), evidenceChainTemplateCmd(a), evidenceChainCmd(a), evidenceNotariseCmd(a), evidenceCourtCmd(a),
		evidenceImportCmd(a), evidenceExportCmd(a), evidenceStatisticsCmd(a), evidenceNoticeCmd(a), evidenceWebhookCmd(a),
		evidenceTenantCmd(a), evidenceFlowCmd(a), evidencePermissionCmd(a), evidenceSettingsCmd(a), evidenceRotateCmd(a))
	return c
}

// visit runs f with the evidence service, as the member --as names or by the profile's key.
func (a *app) visit(ctx context.Context, as string, f func(*client.Evidence) error) error {
	cl, p, err := a.connect(ctx)
	if err != nil {
		return err
	}
	if as == "" {
		return f(cl.Evidence())
	}
	id, err := a.identity(p, as, "")
	if err != nil {
		return err
	}
	in, err := cl.LogIn(ctx, id)
	if err != nil {
		return err
	}
	err = f(in.Evidence())
	if lerr := in.LogOut(context.WithoutCancel(ctx)); err == nil {
		err = lerr
	}
	return err
}

// evidenceLeaf makes a command that visits the service.
func (a *app) evidenceLeaf(use, short, long, example string, min, max int, run func(ctx context.Context, e *client.Evidence, args []string) error) *cobra.Command {
	var as string
	c := &cobra.Command{Use: use, Short: short, Long: long, Example: example, Args: takes(min, max), RunE: func(cmd *cobra.Command, args []string) error {
		return a.visit(cmd.Context(), as, func(e *client.Evidence) error { return run(cmd.Context(), e, args) })
	}}
	a.asFlag(c, &as, "who acts")
	return c
}

func evidenceApplyCmd(a *app) *cobra.Command {
	var in rest.Application
	var hook, secretFile, as string
	c := &cobra.Command{
		Use: "apply NAME", Short: "apply for a tenant", Args: takes(1, 1),
		Long: "Enters an application. The member --as is its identity and its first user; approvers decide with \"evidence decide\".\n" +
			"The claim that is shown takes the application keys, once, when the tenant is open.",
		Example: "  huchain evidence apply 市档案局 --kind department --app oa --as clerk",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.profileOf()
			if err != nil {
				return err
			}
			id, err := a.identity(p, as, "")
			if err != nil {
				return err
			}
			in.Name, in.Identity = args[0], string(id.Member)
			if hook != "" {
				raw, err := os.ReadFile(secretFile)
				if err != nil {
					return usage(cmd, "--secret: %v", err)
				}
				in.Webhook = &rest.Webhook{URL: hook, Secret: strings.TrimSpace(string(raw))}
			}
			return a.visit(cmd.Context(), as, func(e *client.Evidence) error {
				var out rest.Opening
				if err := e.Ask(cmd.Context(), http.MethodPost, nil, &in, &out, "openings"); err != nil {
					return err
				}
				return a.printOpening(&out)
			})
		},
	}
	a.asFlag(c, &as, "who applies")
	c.Flags().StringVar(&in.Kind, "kind", "department", "department, enterprise, person or court")
	c.Flags().StringVar(&in.Contact, "contact", "", "whom to ask")
	c.Flags().StringSliceVar(&in.Users, "user", nil, "members that act for the tenant (default: who applies)")
	c.Flags().StringSliceVar(&in.Apps, "app", nil, "applications that get a key")
	c.Flags().StringVar(&hook, "webhook", "", "URL that is told what happens")
	c.Flags().StringVar(&secretFile, "secret", "", "file with the key of the webhook's signatures, of at least 16 bytes")
	return c
}

func (a *app) printOpening(o *rest.Opening) error {
	return a.print(o, func(w io.Writer) {
		next := ""
		if o.Next != nil {
			next = o.Next.Name + " (" + o.Next.Approver + ")"
		}
		a.fields(w, field{"申请", "application", o.ID}, field{"名称", "name", o.Name}, field{"身份", "identity", o.Identity}, field{"状态", "state", o.State},
			field{"待办步骤", "next", next}, field{"用户方", "tenant", o.Tenant}, field{"领取码", "claim", o.Claim}, field{"错误", "error", o.Error})
	})
}

func evidenceOpeningsCmd(a *app) *cobra.Command {
	var state string
	c := a.evidenceLeaf("openings", "applications for tenants, newest first", "Lists one's own applications, or all for those who decide or run the service.",
		"  huchain evidence openings --state pending --as archives/admin", 0, 0, func(ctx context.Context, e *client.Evidence, _ []string) error {
			q := url.Values{}
			if state != "" {
				q.Set("state", state)
			}
			var out rest.Openings
			if err := e.Ask(ctx, http.MethodGet, q, nil, &out, "openings"); err != nil {
				return err
			}
			return a.print(&out, func(w io.Writer) {
				for _, o := range out.Items {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", o.ID, o.State, o.Kind, o.Name, o.Identity)
				}
			})
		})
	c.Flags().StringVar(&state, "state", "", "pending, approved, opened or refused")
	return c
}

func evidenceDecideCmd(a *app) *cobra.Command {
	var refuse bool
	var remark string
	c := a.evidenceLeaf("decide ID", "approve or refuse the step of an application that is due", "The last approval opens the tenant with its users and keys. Nobody decides about an application of his own.",
		"  huchain evidence decide o0199… --as archives/admin", 1, 1, func(ctx context.Context, e *client.Evidence, args []string) error {
			var o rest.Opening
			if err := e.Ask(ctx, http.MethodGet, nil, nil, &o, "openings", args[0]); err != nil {
				return err
			}
			if o.Next == nil {
				return types.Errorf(types.CodeOpeningRefused, "application %s is %s", o.ID, o.State)
			}
			in := &rest.DecisionNew{}
			in.Body.Step, in.Body.Approved, in.Body.Remark = o.Next.Name, !refuse, remark
			var out rest.Opening
			if err := e.Ask(ctx, http.MethodPost, nil, &in.Body, &out, "openings", args[0], "decisions"); err != nil {
				return err
			}
			return a.printOpening(&out)
		})
	c.Flags().BoolVar(&refuse, "refuse", false, "refuse instead of approving")
	c.Flags().StringVar(&remark, "remark", "", "why")
	return c
}

func (a *app) printApps(out *rest.Apps) error {
	return a.print(out, func(w io.Writer) {
		for _, p := range out.Items {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", p.ID, p.Name, p.Expires.Format(time.DateOnly), p.Token)
		}
	})
}

func evidenceClaimCmd(a *app) *cobra.Command {
	return a.evidenceLeaf("claim ID CLAIM", "take the application keys of a tenant that was opened, once", "The claim was shown when the application was entered.",
		"  huchain evidence claim o0199… c0199…", 2, 2, func(ctx context.Context, e *client.Evidence, args []string) error {
			in := &rest.ClaimNew{}
			in.Body.Claim = args[1]
			var out rest.Apps
			if err := e.Ask(ctx, http.MethodPost, nil, &in.Body, &out, "openings", args[0], "claims"); err != nil {
				return err
			}
			return a.printApps(&out)
		})
}

func evidenceAppCmd(a *app) *cobra.Command {
	in := &rest.AppNew{}
	create := a.evidenceLeaf("new NAME", "make an application with a key, shown this once", "The key is sent as \"Authorization: Bearer KEY\". Administrators of the service name the --tenant.", "  huchain evidence app new oa --as clerk", 1, 1,
		func(ctx context.Context, e *client.Evidence, args []string) error {
			in.Body.Name = args[0]
			var out rest.App
			if err := e.Ask(ctx, http.MethodPost, nil, &in.Body, &out, "apps"); err != nil {
				return err
			}
			return a.printApps(&rest.Apps{Items: []rest.App{out}})
		})
	create.Flags().IntVar(&in.Body.RequestsPerSecond, "rate", 0, "requests a second (default: what the tenant is granted)")
	create.Flags().StringVar(&in.Body.Tenant, "tenant", "", "tenant that it is for, where an administrator makes it")
	c := &cobra.Command{Use: "app", Short: "applications of one's tenant, and their keys"}
	c.AddCommand(
		a.evidenceLeaf("list", "the tenant's applications", "Lists applications; keys are shown when they are made alone.", "  huchain evidence app list --as clerk", 0, 0,
			func(ctx context.Context, e *client.Evidence, _ []string) error {
				var out rest.Apps
				if err := e.Ask(ctx, http.MethodGet, nil, nil, &out, "apps"); err != nil {
					return err
				}
				return a.printApps(&out)
			}),
		create,
		a.evidenceLeaf("revoke ID", "end an application's key at once", "The application can do nothing any more.", "  huchain evidence app revoke a0199… --as clerk", 1, 1,
			func(ctx context.Context, e *client.Evidence, args []string) error {
				var out rest.App
				if err := e.Ask(ctx, http.MethodDelete, nil, nil, &out, "apps", args[0]); err != nil {
					return err
				}
				return a.printApps(&rest.Apps{Items: []rest.App{out}})
			}))
	return c
}
