package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/huchain/huchain/types"
)

// web asks the web listener whether every chain serves, as a browser would that trusts the
// certificate of node.toml and no other.
func (d *diagnosis) web(ctx context.Context, home Home, cfg *WebConfig) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	t := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, network, cfg.Listen)
	}}
	url := cfg.url()
	if cfg.Certificate != "" {
		pair := &webCertificate{certFile: home.path(cfg.Certificate), keyFile: home.path(cfg.Key)}
		leaf, pool, err := pair.parsed()
		if err != nil {
			d.add("web.certificate", err, "")
			return
		}
		d.webCertificate(leaf)
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: pool}
		url = "https://" + hostOf(cfg, leaf)
	}
	err := ready(ctx, &http.Client{Transport: t}, url+"/readyz")
	var wrong *tls.CertificateVerificationError
	if errors.As(err, &wrong) {
		d.fault("ready", err, text("核对 node.toml 的 web.certificate 与 web.hosts；监听器出示的应是该证书，且在有效期内",
			"check web.certificate and web.hosts in node.toml: the listener must show that certificate, within its time"))
		return
	}
	d.add("ready", err, "every chain serves")
}

// webCertificate checks when the certificate of the web listener ends.
func (d *diagnosis) webCertificate(leaf *x509.Certificate) {
	detail := fmt.Sprintf("%s until %s", leaf.Subject.CommonName, leaf.NotAfter.Format(time.DateOnly))
	if left := time.Until(leaf.NotAfter); left < CertificateWarning {
		d.fault("web.certificate", fmt.Errorf("%s: %d days left", detail, int(left.Hours()/24)),
			text("向签发机构续期并替换此文件，无需重启节点", "have its issuer renew it and replace the file; the node needs no restart"))
		return
	}
	d.add("web.certificate", nil, detail)
}

// hostOf is a host that the listener answers for and its certificate is for.
func hostOf(cfg *WebConfig, leaf *x509.Certificate) string {
	_, port, err := net.SplitHostPort(cfg.Listen)
	for _, name := range append(slices.Clone(cfg.Hosts), certifiedHosts(leaf)...) {
		if err == nil && leaf.VerifyHostname(name) == nil {
			return net.JoinHostPort(name, port)
		}
	}
	return cfg.Listen // the handshake tells what is wrong
}

// ready asks a node whether all its chains serve.
func ready(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return types.Errorf(types.CodeUnreachable, "%w", err)
	}
	defer resp.Body.Close()
	var v struct{ Code, Detail string }
	err = json.NewDecoder(io.LimitReader(resp.Body, maxControlAnswer)).Decode(&v)
	switch {
	case v.Code != "":
		return fmt.Errorf("%s %s", v.Code, v.Detail)
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("%s answered %s", url, resp.Status)
	case err != nil:
		return fmt.Errorf("%s: %w", url, err)
	}
	return nil
}
