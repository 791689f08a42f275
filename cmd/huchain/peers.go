package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/types/rest"
)

func queryPeersCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "peers", Short: "peers of the node: organisation, addresses, direction, bytes, score",
		Long: "Shows the other nodes of the chain as this node sees them: linked, configured but absent (with the reason of the last\n" +
			"attempt), or cut off for what they sent.",
		Example: "  huchain query peers\n  huchain query peers --node http://127.0.0.1:7101 -o json", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, _, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			list, err := cl.Peers(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(list, func(w io.Writer) {
				fmt.Fprintf(w, "%s\t%s\n", a.say("本节点", "this node"), list.Node)
				for i := range list.Items {
					a.writePeer(w, &list.Items[i])
				}
			})
		},
	}
}

func (a *app) writePeer(w io.Writer, p *rest.Peer) {
	name := p.Org + "/" + p.Name
	score := fmt.Sprintf(a.say("违规 %d 次", "%d faults"), p.Faults)
	switch p.State {
	case rest.PeerLinked:
		direction := a.say("接入", "inbound")
		if p.Direction == "outbound" {
			direction = a.say("外连", "outbound")
		}
		fmt.Fprintf(w, "%s\t%s %s\t%s\t%s %d\t↑ %d B ↓ %d B\t%s\t%s\n", name, direction, p.Address, time.Duration(p.LinkedSeconds)*time.Second,
			a.say("高度", "height"), p.Height, p.SentBytes, p.ReceivedBytes, score, p.Release)
	case rest.PeerCutOff:
		fmt.Fprintf(w, "%s\t%s\t%d s\t%s\n", name, a.say("已隔离", "cut off"), p.CutOffSeconds, score)
	default:
		fmt.Fprintf(w, "%s\t%s %s\t%s\n", name, a.say("未连接", "absent"), p.Advertised, p.Failure)
	}
}
