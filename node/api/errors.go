package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// statusOf maps error codes to HTTP statuses. Codes not listed go by their group.
var statusOf = map[types.Code]int{
	types.CodeInternal:         http.StatusInternalServerError,
	types.CodeUsage:            http.StatusBadRequest,
	types.CodeNotFound:         http.StatusNotFound,
	types.CodeOutcomeUnknown:   http.StatusGatewayTimeout,
	types.CodeStarting:         http.StatusServiceUnavailable,
	types.CodeNotReady:         http.StatusServiceUnavailable,
	types.CodeChainStopped:     http.StatusServiceUnavailable,
	types.CodeChainReadOnly:    http.StatusForbidden,
	types.CodeDiskLow:          http.StatusServiceUnavailable,
	types.CodeRequestTooLarge:  http.StatusRequestEntityTooLarge,
	types.CodeTxTooLarge:       http.StatusRequestEntityTooLarge,
	types.CodePoolFull:         http.StatusTooManyRequests,
	types.CodeRateLimited:      http.StatusTooManyRequests,
	types.CodeLoginRequired:    http.StatusUnauthorized,
	types.CodeLoginProvider:    http.StatusBadGateway,
	types.CodeFellBehind:       http.StatusGone,
	types.CodeTxKnown:          http.StatusConflict,
	types.CodeTxDuplicate:      http.StatusConflict,
	types.CodeUnknownSender:    http.StatusForbidden,
	types.CodeMemberFrozen:     http.StatusForbidden,
	types.CodePermissionDenied: http.StatusForbidden,
	types.CodeUnknownContract:  http.StatusNotFound,
	types.CodeUnknownMethod:    http.StatusNotFound,
	types.CodeHeightUnknown:    http.StatusNotFound,
	types.CodeLedgerCorrupt:    http.StatusInternalServerError,
	types.CodeLedgerMismatch:   http.StatusInternalServerError,
	types.CodeDiskFailure:      http.StatusInternalServerError,
	types.CodeFileMissing:      http.StatusNotFound,
	types.CodeFileKey:          http.StatusForbidden,
	types.CodeFileDamaged:      http.StatusInternalServerError,
	types.CodeFileTargets:      http.StatusServiceUnavailable,
	types.CodeFileTooLarge:     http.StatusRequestEntityTooLarge,
	types.CodeFileRemoved:      http.StatusGone,
	types.CodeFileRetained:     http.StatusConflict,
	types.CodeFileForeign:      http.StatusServiceUnavailable,
	types.CodeMirrorAbsent:     http.StatusNotFound,
	types.CodeMirrorQuery:      http.StatusBadRequest,
	types.CodeMirrorDatabase:   http.StatusServiceUnavailable,
	types.CodeMirrorSlow:       http.StatusServiceUnavailable,
	types.CodeServiceDatabase:  http.StatusServiceUnavailable,
	types.CodeServiceAbsent:    http.StatusNotFound,
	types.CodeNoTenant:         http.StatusForbidden,
	types.CodeIdentityRefused:  http.StatusForbidden,
	types.CodeOpeningRefused:   http.StatusConflict,
	types.CodeTemplateViolated: http.StatusUnprocessableEntity,
	types.CodeTemplateFixed:    http.StatusConflict,
	types.CodeDepositedBefore:  http.StatusConflict,
	types.CodeKeyReused:        http.StatusConflict,
	types.CodeAnswerRefused:    http.StatusBadGateway,
	types.CodeConnector:        http.StatusBadGateway,
	types.CodeAlreadyExists:    http.StatusConflict,
}

func httpStatus(c types.Code) int {
	if s, ok := statusOf[c]; ok {
		return s
	}
	switch c / 1000 {
	case 2:
		return http.StatusBadRequest
	case 3:
		return http.StatusUnprocessableEntity
	}
	return http.StatusInternalServerError
}

// failure is a coded error as huma writes it.
type failure struct {
	ErrorBody
	status int
}

// ErrorBody has the fields of the wire form, but another name: a method is called Error.
type ErrorBody rest.Error

// Error implements error.
func (f *failure) Error() string { return f.Code + " " + f.Detail }

// GetStatus implements huma.StatusError.
func (f *failure) GetStatus() int { return f.status }

// GetHeaders implements huma.HeadersError: Retry-After in whole seconds, rounded up.
func (f *failure) GetHeaders() http.Header {
	h := http.Header{}
	if f.RetryAfterMs > 0 {
		h.Set("Retry-After", strconv.FormatInt((f.RetryAfterMs+999)/1000, 10))
	}
	return h
}

// fail renders any error for the client. Errors without a code are faults of the node:
// they are logged in full and answered without details.
func (s *Server) fail(ctx context.Context, err error) error {
	f := &failure{ErrorBody: ErrorBody(*rest.NewError(err)), status: httpStatus(types.CodeOf(err))}
	f.RequestID = requestID(ctx)
	var u *rest.UnknownOutcome
	if errors.As(err, &u) {
		f.TxID = u.ID.String()
	}
	if types.CodeOf(err) == types.CodeInternal || f.status >= 500 && types.CodeOf(err)/1000 == 4 {
		s.log.Error("request failed", "request", f.RequestID, "code", f.Code, "error", err)
		if _, coded := rest.AsError(err); !coded {
			f.Detail = "the node's log has the details under this request id"
		}
	}
	return f
}

var codedErrorsOnce sync.Once

// codedErrors makes huma's own refusals (validation, size, media type) coded errors too.
// huma keeps its error constructor in a package variable, hence the Once.
func codedErrors() {
	codedErrorsOnce.Do(func() {
		huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
			f := newFailure(status, msg, errs...)
			if ctx != nil {
				f.RequestID = requestID(ctx.Context())
			}
			return f
		}
		huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
			return newFailure(status, msg, errs...)
		}
	})
}

func newFailure(status int, msg string, errs ...error) *failure {
	code := types.CodeUsage
	switch {
	case status == http.StatusRequestEntityTooLarge:
		code = types.CodeRequestTooLarge
	case status == http.StatusNotFound:
		code = types.CodeNotFound
	case status >= 500:
		code = types.CodeInternal
	}
	for _, err := range errs {
		if err != nil {
			msg += "; " + err.Error()
		}
	}
	return &failure{ErrorBody: ErrorBody(*rest.NewError(types.Errorf(code, "%s", strings.TrimSpace(msg)))), status: status}
}
