package node

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/huchain/huchain/node/audit"
	"github.com/huchain/huchain/types"
)

type actorKey struct{}

// actorOf names the user whose process is at the other end of a Unix socket.
func actorOf(c net.Conn) string {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return "unknown"
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return "unknown"
	}
	actor := "unknown"
	if err := raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			actor = fmt.Sprintf("uid:%d", cred.Uid)
		}
	}); err != nil {
		return "unknown"
	}
	return actor
}

// audited carries out an order and records it, before and after. One that cannot be
// recorded is not carried out. What only reads is not recorded.
func audited(n *node, r *http.Request, order func() (any, error)) (any, error) {
	actor, _ := r.Context().Value(actorKey{}).(string)
	action := strings.ReplaceAll(strings.Trim(r.URL.Path, "/"), "/", ".")
	if what := r.FormValue("order"); what != "" {
		action += "." + what
	}
	if r.Method == http.MethodGet || action == "archive.plan" {
		return order()
	}
	subject := cmp.Or(r.FormValue("name"), r.FormValue("id"), r.FormValue("chain"))
	if err := n.record(actor, action, subject, audit.Ordered); err != nil {
		return nil, err
	}
	out, err := order()
	if rerr := n.record(actor, action, subject, types.CodeOf(err).String()); err == nil {
		err = rerr
	}
	return out, err
}

// record adds to the audit log. The node's own log names the hash: whoever alters one of
// them has to alter both.
func (n *node) record(actor, action, subject, outcome string) error {
	r, err := n.audit.Add(actor, action, subject, outcome)
	if err != nil {
		n.log.Error("audit record not written", "action", action, "error", err)
		return err
	}
	n.log.Info("audit", "seq", r.Seq, "actor", r.Actor, "action", r.Action, "subject", r.Subject, "outcome", r.Outcome, "hash", r.Hash)
	return nil
}
