package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/services/connector"
	"github.com/huchain/huchain/services/mirror/push"
)

// withBook opens the subscriptions of the folder that --dir names, or of the home's node.
func (a *app) withBook(dir string, f func(b *push.Book) error) error {
	if dir == "" {
		of, err := a.mirrorPlace()
		if err != nil {
			return err
		}
		dir = of.Dir
	}
	b, err := push.OpenBook(dir)
	if err != nil {
		return err
	}
	defer b.Close() //nolint:errcheck // every change was committed
	return f(b)
}

func bookFlag(c *cobra.Command) *string {
	return c.Flags().String("dir", "", "folder of a mirror apart from a node (default: that of the home's node)")
}

func mirrorSubscribeCmd(a *app) *cobra.Command {
	var s push.Subscription
	var webhook, nats string
	var from int64
	c := &cobra.Command{
		Use: "subscribe NAME", Short: "tell somebody of events: a webhook, or NATS JetStream",
		Long: "Enters a subscription; a running node begins with it within a second. Events come in order and at least once, each\n" +
			"under an id that never changes (chain/height/index). A webhook is sent POST requests with the headers\n" +
			connector.HeaderID + ", " + connector.HeaderTime + " and " + connector.HeaderSignature + ": HMAC-SM3 over timestamp, a dot and the body, under the key\n" +
			"in the secret's file. It must answer 2xx within ten seconds; else the delivery is tried again after 1, 2, 4, …\n" +
			"seconds, and after ten attempts becomes a dead letter. Five of them in a row suspend the subscription.",
		Example: "  huchain mirror subscribe audit --webhook https://audit.example.org/events --secret-file audit.secret --contract evidence\n" +
			"  huchain mirror subscribe bus --nats nats://127.0.0.1:4222/huchain --from 1",
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (webhook == "") == (nats == "") {
				return usage(cmd, "one of --webhook and --nats is required")
			}
			s.Name, s.Kind, s.Address, s.From = args[0], push.Webhook, webhook, push.FromNow
			if nats != "" {
				s.Kind, s.Address = push.NATS, nats
			}
			if cmd.Flags().Changed("from") {
				s.From = from
			}
			return a.withBook(cmd.Flag("dir").Value.String(), func(b *push.Book) error {
				if err := b.Add(cmd.Context(), &s); err != nil {
					return err
				}
				return a.print(map[string]any{"subscription": s.Name, "kind": s.Kind}, func(w io.Writer) {
					fmt.Fprintf(w, a.say("已订阅：%s\n", "subscribed: %s\n"), s.Name)
				})
			})
		},
	}
	bookFlag(c)
	f := c.Flags()
	f.StringVar(&webhook, "webhook", "", "address that is sent requests")
	f.StringVar(&nats, "nats", "", "nats://host:port/subject: events are published under subject.chain.contract.event")
	f.StringVar(&s.Secret, "secret-file", "", "file with the key of a webhook's signatures (16 bytes or more), or with credentials for NATS")
	f.StringVar(&s.Contract, "contract", "", "events of this contract alone")
	f.StringVar(&s.Event, "event", "", "events of this name alone")
	f.Int64Var(&from, "from", 0, "begin with the events of this height (default: with those to come)")
	return c
}

// bookCmd is a command about one subscription.
func bookCmd(a *app, use, short, example string, args cobra.PositionalArgs, run func(ctx context.Context, b *push.Book, args []string) (any, string, error)) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Example: example, Args: args}
	dir := bookFlag(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		return a.withBook(*dir, func(b *push.Book) error {
			v, said, err := run(cmd.Context(), b, args)
			if err != nil {
				return err
			}
			return a.print(v, func(w io.Writer) { fmt.Fprint(w, said) })
		})
	}
	return c
}

func mirrorUnsubscribeCmd(a *app) *cobra.Command {
	return bookCmd(a, "unsubscribe NAME", "end a subscription; its dead letters are forgotten", "  huchain mirror unsubscribe audit", takes(1, 1),
		func(ctx context.Context, b *push.Book, args []string) (any, string, error) {
			return map[string]any{"removed": args[0]}, fmt.Sprintf(a.say("已取消订阅：%s\n", "unsubscribed: %s\n"), args[0]), b.Remove(ctx, args[0])
		})
}

func mirrorSubscriptionsCmd(a *app) *cobra.Command {
	return bookCmd(a, "subscriptions", "who is told of events, and how that goes", "  huchain mirror subscriptions", takes(0, 0),
		func(ctx context.Context, b *push.Book, _ []string) (any, string, error) {
			list, err := b.List(ctx)
			if err != nil {
				return nil, "", err
			}
			var out strings.Builder
			for _, s := range list.Items {
				fmt.Fprintf(&out, "%s\t%s\t%s\t%s\t%s %d\t%s %d\t%s %d\t%s\n", s.Name, s.Kind, s.To, s.State, a.say("高度", "height"), s.Height,
					a.say("已送达", "delivered"), s.Sent, a.say("死信", "dead"), s.Dead, s.Error)
			}
			return list, out.String(), nil
		})
}

func mirrorDeadCmd(a *app) *cobra.Command {
	return bookCmd(a, "dead NAME", "deliveries to a subscriber that were given up", "  huchain mirror dead audit", takes(1, 1),
		func(ctx context.Context, b *push.Book, args []string) (any, string, error) {
			list, err := b.Dead(ctx, args[0])
			if err != nil {
				return nil, "", err
			}
			var out strings.Builder
			for _, d := range list.Items {
				fmt.Fprintf(&out, "%s\t%s.%s\t%s\t%s %d\t%s\n", d.ID, d.Contract, d.Event, d.Time.Format(time.RFC3339), a.say("尝试", "attempts"), d.Attempts, d.Error)
			}
			return list, out.String(), nil
		})
}

func mirrorResendCmd(a *app) *cobra.Command {
	return bookCmd(a, "resend NAME [ID]", "send a subscriber's dead letters again: one, or all", "  huchain mirror resend audit\n  huchain mirror resend audit gov/1204/0", takes(1, 2),
		func(ctx context.Context, b *push.Book, args []string) (any, string, error) {
			n, err := b.Resend(ctx, args[0], append(args, "")[1])
			return map[string]any{"subscription": args[0], "letters": n}, fmt.Sprintf(a.say("将重新投递 %d 封\n", "%d will be sent again\n"), n), err
		})
}

func mirrorResumeCmd(a *app) *cobra.Command {
	return bookCmd(a, "resume NAME", "go on with a suspended subscription where it stopped", "  huchain mirror resume audit", takes(1, 1),
		func(ctx context.Context, b *push.Book, args []string) (any, string, error) {
			return map[string]any{"resumed": args[0]}, fmt.Sprintf(a.say("已恢复：%s\n", "resumed: %s\n"), args[0]), b.Resume(ctx, args[0])
		})
}
