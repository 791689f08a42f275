package tlcp

import (
	"errors"
	"fmt"

	"github.com/huchain/huchain/crypto/cert"
)

// Alert is the number of an alert, GB/T 38636-2020 section 6.4.1.
type Alert uint8

// The alerts that this package sends.
const (
	AlertCloseNotify            Alert = 0
	AlertUnexpectedMessage      Alert = 10
	AlertBadRecordMAC           Alert = 20
	AlertRecordOverflow         Alert = 22
	AlertHandshakeFailure       Alert = 40
	AlertBadCertificate         Alert = 42
	AlertUnsupportedCertificate Alert = 43
	AlertCertificateRevoked     Alert = 44
	AlertCertificateExpired     Alert = 45
	AlertIllegalParameter       Alert = 47
	AlertUnknownCA              Alert = 48
	AlertAccessDenied           Alert = 49
	AlertDecodeError            Alert = 50
	AlertDecryptError           Alert = 51
	AlertProtocolVersion        Alert = 70
	AlertInternalError          Alert = 80
)

var alertNames = map[Alert]string{
	AlertCloseNotify: "close_notify", AlertUnexpectedMessage: "unexpected_message", AlertBadRecordMAC: "bad_record_mac",
	AlertRecordOverflow: "record_overflow", AlertHandshakeFailure: "handshake_failure", AlertBadCertificate: "bad_certificate",
	AlertUnsupportedCertificate: "unsupported_certificate", AlertCertificateRevoked: "certificate_revoked",
	AlertCertificateExpired: "certificate_expired", AlertIllegalParameter: "illegal_parameter", AlertUnknownCA: "unknown_ca",
	AlertAccessDenied: "access_denied", AlertDecodeError: "decode_error", AlertDecryptError: "decrypt_error",
	AlertProtocolVersion: "protocol_version", AlertInternalError: "internal_error",
	21: "decryption_failed", 30: "decompression_failure", 46: "certificate_unknown", 71: "insufficient_security", 90: "user_canceled",
	200: "unsupported_site2site", 201: "no_area", 202: "unsupported_areatype", 203: "bad_ibcparam",
	204: "unsupported_ibcparam", 205: "identity_need",
}

// String returns the name the standard gives the alert.
func (a Alert) String() string {
	if s, ok := alertNames[a]; ok {
		return s
	}
	return fmt.Sprintf("alert %d", uint8(a))
}

// AlertError ends a connection: either this side found a fault and told the peer by the
// alert, or the peer told this side.
type AlertError struct {
	Alert  Alert
	Remote bool  // the peer sent it
	Err    error // what this side found; nil if Remote
}

// Error names the alert and the cause.
func (e *AlertError) Error() string {
	if e.Remote {
		return "tlcp: the peer ended the connection: " + e.Alert.String()
	}
	return fmt.Sprintf("tlcp: %s: %v", e.Alert, e.Err)
}

// Unwrap returns the cause.
func (e *AlertError) Unwrap() error { return e.Err }

// ErrRevoked may be wrapped by the errors of Config.VerifyPeer; the peer is then told
// certificate_revoked instead of access_denied.
var ErrRevoked = errors.New("certificate is revoked")

// ErrSessionLimit is returned by Read and Write when a connection has carried as many
// bytes, or lived as long, as its Config allows.
var ErrSessionLimit = errors.New("tlcp: the session has reached its limit; connect anew")

// faultf makes the error that sends alert a to the peer.
func faultf(a Alert, format string, args ...any) error {
	return &AlertError{Alert: a, Err: fmt.Errorf(format, args...)}
}

// certificateFault finds the alert for a certificate that was refused.
func certificateFault(err error) error {
	var own *AlertError
	alert := AlertBadCertificate
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, cert.ErrExpired):
		alert = AlertCertificateExpired
	case errors.Is(err, cert.ErrForeignCA):
		alert = AlertUnknownCA
	case errors.Is(err, cert.ErrUsage):
		alert = AlertUnsupportedCertificate
	}
	return &AlertError{Alert: alert, Err: err}
}
