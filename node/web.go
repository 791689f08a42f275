package node

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/huchain/huchain/node/access"
	"github.com/huchain/huchain/node/api"
	"github.com/huchain/huchain/types"
)

// webCertificate is the certificate of the web listener, read again when its file changes:
// renewing it needs no restart.
type webCertificate struct {
	certFile, keyFile string

	mu     sync.Mutex
	looked time.Time // when the file was last looked at
	from   time.Time // when the file was written that now was read from
	now    *tls.Certificate
}

// lookAgain is how often the file is looked at.
const lookAgain = 10 * time.Second

func (c *webCertificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now != nil && time.Since(c.looked) < lookAgain {
		return c.now, nil
	}
	c.looked = time.Now()
	info, err := os.Stat(c.certFile)
	if err == nil && c.now != nil && info.ModTime().Equal(c.from) {
		return c.now, nil
	}
	var pair tls.Certificate
	if err == nil {
		pair, err = tls.LoadX509KeyPair(c.certFile, c.keyFile)
	}
	if err != nil {
		if c.now != nil {
			return c.now, nil //nolint:nilerr // half-written files: the old pair serves until the new one is whole
		}
		return nil, types.Errorf(types.CodeCertFile, "web.certificate: %w", err)
	}
	c.now, c.from = &pair, info.ModTime()
	return c.now, nil
}

// names are the hosts that the certificate is for.
func (c *webCertificate) names() ([]string, error) {
	leaf, _, err := c.parsed()
	if err != nil {
		return nil, err
	}
	return certifiedHosts(leaf), nil
}

func certifiedHosts(leaf *x509.Certificate) []string {
	out := append([]string(nil), leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		out = append(out, ip.String())
	}
	return out
}

// parsed is the certificate, and a pool that trusts it and those that come with it.
func (c *webCertificate) parsed() (*x509.Certificate, *x509.CertPool, error) {
	pair, err := c.get(nil)
	if err != nil {
		return nil, nil, err
	}
	var leaf *x509.Certificate
	pool := x509.NewCertPool()
	for i, der := range pair.Certificate {
		crt, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, nil, types.Errorf(types.CodeCertFile, "web.certificate: %w", err)
		}
		if i == 0 {
			leaf = crt
		}
		pool.AddCert(crt)
	}
	return leaf, pool, nil
}

// listenWeb opens the web listener: TLS 1.3 if node.toml names a certificate, else plain
// HTTP, which configuration allows on loopback alone.
func (n *node) listenWeb() (l net.Listener, url string, hosts []string, err error) {
	c := &n.cfg.Web
	for _, h := range c.Hosts {
		hosts = append(hosts, strings.ToLower(h))
	}
	var secure *tls.Config
	if c.Certificate != "" {
		pair := &webCertificate{certFile: n.inHome(c.Certificate), keyFile: n.inHome(c.Key)}
		named, err := pair.names()
		if err != nil {
			return nil, "", nil, err
		}
		for _, h := range named {
			hosts = append(hosts, strings.ToLower(h))
		}
		secure = &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: pair.get, NextProtos: []string{"http/1.1"}}
	}
	if l, err = Listen("web.listen", c.Listen); err != nil {
		return nil, "", nil, err
	}
	url = "http://" + l.Addr().String()
	if secure != nil {
		l, url = tls.NewListener(l, secure), "https://"+l.Addr().String()
	}
	return l, url, hosts, nil
}

// inHome is a path of node.toml, relative to the home.
func (n *node) inHome(path string) string { return n.home.path(path) }

// openAccess reads who may use the web listener.
func (n *node) openAccess(hosts []string) (err error) {
	n.access = &api.Access{Hosts: hosts, Required: n.cfg.Web.loginRequired(), Embed: n.cfg.Web.Embed, Public: n.cfg.Web.PublicVerify, Sessions: access.NewSessions(), Record: n.record}
	if n.access.Provider, err = n.provider(); err != nil {
		return err
	}
	n.access.Keys, err = access.OpenKeys(n.home.APIKeys())
	return err
}
