package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/types/rest"
)

func evidenceSettingsCmd(a *app) *cobra.Command {
	return a.evidenceLeaf("settings", "the configuration in force, for administrators", "A star marks what differs from the default; secrets are masked.", "  huchain evidence settings --as archives/admin", 0, 0,
		func(ctx context.Context, e *client.Evidence, _ []string) error {
			var out rest.Settings
			if err := e.Ask(ctx, http.MethodGet, nil, nil, &out, "settings"); err != nil {
				return err
			}
			return a.print(&out, func(w io.Writer) {
				for _, s := range out.Items {
					fmt.Fprintf(w, "%s\t%s\t%s\n", s.Name, s.Value, map[bool]string{true: "*"}[s.Changed])
				}
				a.fields(w, field{"排队", "queued", out.Queued}, field{"启动", "since", out.Since.Format(time.RFC3339)})
			})
		})
}

func (a *app) printPermissions(out *rest.Permissions) error {
	return a.print(out, func(w io.Writer) {
		for _, p := range out.Items {
			fmt.Fprintf(w, "%s\t%s\n", p.Member, p.Role)
		}
	})
}

func evidencePermissionCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "permission", Short: "who runs the service besides the chain's administrators"}
	c.AddCommand(
		a.evidenceLeaf("list", "members with a part in running the service", "For administrators of the service.", "  huchain evidence permission list --as archives/admin", 0, 0,
			func(ctx context.Context, e *client.Evidence, _ []string) error {
				var out rest.Permissions
				if err := e.Ask(ctx, http.MethodGet, nil, nil, &out, "permissions"); err != nil {
					return err
				}
				return a.printPermissions(&out)
			}),
		a.evidenceLeaf("set MEMBER ROLE", "give or take a part in running the service", "ROLE is administrator, auditor (sees all tenants, changes nothing) or none. It is in the node's audit log.",
			"  huchain evidence permission set archives/clerk auditor --as archives/admin", 2, 2,
			func(ctx context.Context, e *client.Evidence, args []string) error {
				var out rest.Permissions
				if err := e.Ask(ctx, http.MethodPut, nil, &rest.Permission{Member: args[0], Role: args[1]}, &out, "permissions"); err != nil {
					return err
				}
				return a.printPermissions(&out)
			}))
	return c
}

func evidenceNoticeCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "notice", Short: "messages to one's tenant"}
	var unread bool
	list := a.evidencePages("list", "messages, newest first", "Lists what happened to the tenant, its deposits and its applications.", "  huchain evidence notice list --unread --as clerk",
		func(ctx context.Context, e *client.Evidence, q url.Values) (any, string, func(io.Writer), error) {
			if unread {
				q.Set("unread", "true")
			}
			var out rest.Notices
			err := e.Ask(ctx, http.MethodGet, q, nil, &out, "notices")
			return &out, out.Next, func(w io.Writer) {
				for _, n := range out.Items {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", n.ID, map[bool]string{false: "*"}[n.Read], n.Time.Format(time.RFC3339), n.Kind, n.Subject, n.Text)
				}
				a.fields(w, field{"未读", "unread", out.Unread})
			}, err
		})
	list.Flags().BoolVar(&unread, "unread", false, "only those not read yet")
	c.AddCommand(list, a.evidenceLeaf("read ID", "mark messages up to one as read", "Marks the message and all before it.", "  huchain evidence notice read n0199… --as clerk", 1, 1,
		func(ctx context.Context, e *client.Evidence, args []string) error {
			in := &rest.NoticeRead{}
			in.Body.UpTo = args[0]
			return a.evidenceDone(ctx, e, &in.Body, "notices", "read")
		}))
	return c
}

// evidenceDone sends an order whose answer says no more than that it was carried out.
func (a *app) evidenceDone(ctx context.Context, e *client.Evidence, in any, segments ...string) error {
	var out rest.Done
	if err := e.Ask(ctx, http.MethodPost, nil, in, &out, segments...); err != nil {
		return err
	}
	return a.print(&out, func(w io.Writer) { fmt.Fprintln(w, a.say("已完成", "done")) })
}

func evidenceWebhookCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "webhook", Short: "webhook messages that were given up"}
	c.AddCommand(a.evidencePages("dead", "messages that were given up, newest first", "Of one's tenant, or of all for those who run the service.", "  huchain evidence webhook dead --as clerk",
		func(ctx context.Context, e *client.Evidence, q url.Values) (any, string, func(io.Writer), error) {
			var out rest.LostMessages
			err := e.Ask(ctx, http.MethodGet, q, nil, &out, "webhooks", "dead")
			return &out, out.Next, func(w io.Writer) {
				for _, m := range out.Items {
					fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", m.ID, m.Kind, m.URL, m.Attempts, m.Error)
				}
			}, err
		}), a.evidenceLeaf("resend [ID]", "send lost messages again: one, or all of the tenant", "Each keeps its id, so that the receiver tells a repetition.", "  huchain evidence webhook resend --as clerk", 0, 1,
		func(ctx context.Context, e *client.Evidence, args []string) error {
			in := &rest.ResendRequest{}
			if len(args) == 1 {
				in.Body.ID = args[0]
			}
			return a.evidenceDone(ctx, e, &in.Body, "webhooks", "resend")
		}))
	return c
}

func (a *app) printTenants(w io.Writer, list []rest.Tenant) {
	for _, t := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.State, t.Kind, t.Name, t.Identity, strings.Join(t.Users, " "))
	}
}

func evidenceTenantCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "tenant", Short: "tenants of the service"}
	in := &rest.TenantChange{}
	set := a.evidenceLeaf("set ID", "set users and state of a tenant", "For administrators of the service. The users named are all that act for the tenant; a closed tenant deposits nothing.",
		"  huchain evidence tenant set t0199… --user archives/clerk --state open --as archives/admin", 1, 1,
		func(ctx context.Context, e *client.Evidence, args []string) error {
			if in.Body.Users == nil {
				in.Body.Users = []string{}
			}
			var out rest.Tenant
			if err := e.Ask(ctx, http.MethodPut, nil, &in.Body, &out, "tenants", args[0]); err != nil {
				return err
			}
			return a.print(&out, func(w io.Writer) { a.printTenants(w, []rest.Tenant{out}) })
		})
	set.Flags().StringSliceVar(&in.Body.Users, "user", nil, "member that acts for the tenant; may be repeated")
	set.Flags().StringVar(&in.Body.State, "state", "open", "open or closed")
	c.AddCommand(set, a.evidencePages("list", "tenants that one sees", "One's own, or all for those who run the service.", "  huchain evidence tenant list --as archives/admin",
		func(ctx context.Context, e *client.Evidence, q url.Values) (any, string, func(io.Writer), error) {
			var out rest.Tenants
			err := e.Ask(ctx, http.MethodGet, q, nil, &out, "tenants")
			return &out, out.Next, func(w io.Writer) { a.printTenants(w, out.Items) }, err
		}))
	return c
}

func (a *app) printFlow(f *rest.Flow) error {
	return a.print(f, func(w io.Writer) {
		for i, s := range f.Steps {
			fmt.Fprintf(w, "%d\t%s\t%s\n", i+1, s.Name, s.Approver)
		}
		a.fields(w, field{"版本", "version", f.Version}, field{"必填", "required", strings.Join(f.Required, " ")}, field{"密钥天数", "key days", f.Defaults.KeyDays},
			field{"每秒请求", "requests a second", f.Defaults.RequestsPerSecond}, field{"文件上限（字节）", "largest file (bytes)", f.Defaults.MaxFileBytes})
	})
}

func evidenceFlowCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "flow", Short: "how tenants are opened"}
	c.AddCommand(
		a.evidenceLeaf("show", "the flow in force", "Shows who decides in which order, what an application must hold, and what a tenant gets.", "  huchain evidence flow show -o json --as archives/admin > flow.json", 0, 0,
			func(ctx context.Context, e *client.Evidence, _ []string) error {
				var out rest.Flow
				if err := e.Ask(ctx, http.MethodGet, nil, nil, &out, "flow"); err != nil {
					return err
				}
				return a.printFlow(&out)
			}),
		a.evidenceLeaf("set FILE", "change the flow for applications from now on", "The file is JSON as \"evidence flow show -o json\" gives it. For administrators of the service.", "  huchain evidence flow set flow.json --as archives/admin", 1, 1,
			func(ctx context.Context, e *client.Evidence, args []string) error {
				var in, out rest.Flow
				if err := readJSON(args[0], &in); err != nil {
					return err
				}
				if err := e.Ask(ctx, http.MethodPut, nil, &in, &out, "flow"); err != nil {
					return err
				}
				return a.printFlow(&out)
			}))
	return c
}

// evidenceStatisticsCmd is "evidence statistics".
func evidenceStatisticsCmd(a *app) *cobra.Command {
	var from, until string
	filters := map[string]*string{"type": new(string), "app": new(string), "tenant": new(string)}
	c := a.evidenceLeaf("statistics", "figures about committed deposits", "Of one's tenant, or of all for those who run the service.", "  huchain evidence statistics --from 2026-03-01T00:00:00Z --as clerk", 0, 0,
		func(ctx context.Context, e *client.Evidence, _ []string) error {
			q := url.Values{}
			for name, value := range filters {
				if *value != "" {
					q.Set(name, *value)
				}
			}
			for name, text := range map[string]string{"from": from, "until": until} {
				if at, err := timeFlag(text); err != nil {
					return err
				} else if !at.IsZero() {
					q.Set(name, at.UTC().Format(time.RFC3339))
				}
			}
			var out rest.EvidenceStatistics
			if err := e.Ask(ctx, http.MethodGet, q, nil, &out, "statistics"); err != nil {
				return err
			}
			return a.print(&out, func(w io.Writer) { a.writeStatistics(w, &out) })
		})
	c.Flags().StringVar(&from, "from", "", "of blocks at or after, such as 2026-03-02T01:00:00Z")
	c.Flags().StringVar(&until, "until", "", "of blocks before")
	c.Flags().StringVar(filters["type"], "type", "", "text, form, document, image, audio, video, archive or other")
	c.Flags().StringVar(filters["app"], "app", "", "id of the application that deposited")
	c.Flags().StringVar(filters["tenant"], "tenant", "", "a tenant, for those who run the service")
	return c
}

func (a *app) writeStatistics(w io.Writer, out *rest.EvidenceStatistics) {
	onChain := ""
	if out.OnChain != nil {
		onChain = strconv.FormatInt(*out.OnChain, 10)
	}
	a.fields(w, field{"存证总数", "deposits", out.Total}, field{"区块数", "blocks", out.Blocks}, field{"字节", "bytes", out.SizeBytes},
		field{"公证", "notarised", out.Notarial}, field{"链上记录", "records on the chain", onChain}, field{"区块高度", "height", out.Height})
	for _, group := range []struct {
		zh, en string
		of     []rest.Count
	}{{"按类型", "by type", out.ByType}, {"按应用", "by application", out.ByApp}, {"按用户方", "by tenant", out.ByTenant}, {"按日", "by day", out.ByDay}} {
		for _, n := range group.of {
			fmt.Fprintf(w, "%s\t%s\t%d\n", a.say(group.zh, group.en), n.Name, n.Count)
		}
	}
}
