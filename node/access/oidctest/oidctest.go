// Package oidctest runs an OpenID Connect provider, zitadel's example, for tests of logins.
package oidctest

import (
	"log/slog"
	"net"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

// Secret is that of the client "console".
const Secret = "secret"

// Start runs the provider in this process until the test ends. Its client "console" comes
// back to callback; its users are test-user@localhost and test-user2, with the password
// "verysecure".
func Start(t *testing.T, callback string) (issuer string) {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	require.NoError(t, err)
	issuer = "http://localhost:" + port + "/"
	clients := map[string]*storage.Client{"console": storage.WebClient("console", Secret, callback)}
	before := slog.Default()
	srv.Config.Handler = exampleop.SetupServer(issuer, storage.NewStorageWithClients(storage.NewUserStore(issuer), clients), slog.New(slog.DiscardHandler), false)
	slog.SetDefault(before)
	srv.Start()
	t.Cleanup(srv.Close)
	return issuer
}
