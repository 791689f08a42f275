package node

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/huchain/huchain/crypto/cert"
)

// CertificateWarning is how long before its end a certificate counts as ending soon.
const CertificateWarning = 30 * 24 * time.Hour

// expiryInterval is how often certificates are looked at.
const expiryInterval = time.Hour

// watchCertificates tells by metric and log when certificates beside the chains' keys
// end, until ctx does. The file is read each time: a renewed one counts without a restart.
func (n *node) watchCertificates(ctx context.Context) {
	tick := time.NewTicker(expiryInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, h := range n.places() {
			n.checkExpiry(n.home.Chain(h.name), n.expiry)
		}
	}
}

func (n *node) checkExpiry(c ChainHome, expiry *prometheus.GaugeVec) {
	eachCertificate(c, func(file string, crt *cert.Certificate, err error) {
		if err != nil {
			n.log.Warn("certificate not read", "chain", c.Name, "file", file, "error", err)
			return
		}
		expiry.WithLabelValues(c.Name, crt.Org+"/"+crt.Name).Set(float64(crt.NotAfter.Unix()))
		if left := time.Until(crt.NotAfter); left < CertificateWarning {
			n.log.Warn("certificate ends soon; renew it with huchain cert renew", "chain", c.Name, "member", crt.Org+"/"+crt.Name, "days", int(left.Hours()/24))
		}
	})
}

// eachCertificate reads the certificates beside a chain's keys. Whether a root of the
// genesis or a later one issued them is the chain's matter, their end is the operator's.
func eachCertificate(c ChainHome, f func(file string, crt *cert.Certificate, err error)) {
	files, err := filepath.Glob(filepath.Join(c.KeysDir(), "*.pem"))
	if err != nil {
		return // the pattern is well-formed
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		var crt *cert.Certificate
		if err == nil {
			crt, err = cert.ParsePEM(text)
		}
		f(file, crt, err)
	}
}
