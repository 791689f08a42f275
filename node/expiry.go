package node

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/huchain/huchain/crypto/cert"
)

// expiryInterval is how often certificates are looked at.
const expiryInterval = time.Hour

// watchCertificates tells by metric and log when certificates beside the chains' keys
// end, until ctx does. The file is read each time: a renewed one counts without a restart.
func (n *node) watchCertificates(ctx context.Context, chains []ChainHome, expiry *prometheus.GaugeVec) {
	tick := time.NewTicker(expiryInterval)
	defer tick.Stop()
	for {
		for _, c := range chains {
			n.checkExpiry(c, expiry)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (n *node) checkExpiry(c ChainHome, expiry *prometheus.GaugeVec) {
	files, err := filepath.Glob(filepath.Join(c.KeysDir(), "*.pem"))
	if err != nil {
		return
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			n.log.Warn("certificate not read", "chain", c.Name, "file", f, "error", err)
			continue
		}
		crt, err := cert.ParsePEM(text)
		if err != nil {
			n.log.Warn("certificate not read", "chain", c.Name, "file", f, "error", err)
			continue
		}
		expiry.WithLabelValues(c.Name, crt.Org+"/"+crt.Name).Set(float64(crt.NotAfter.Unix()))
		if left := time.Until(crt.NotAfter); left < certificateWarning {
			n.log.Warn("certificate ends soon; renew it with huchain cert renew", "chain", c.Name, "member", crt.Org+"/"+crt.Name, "days", int(left.Hours()/24))
		}
	}
}
