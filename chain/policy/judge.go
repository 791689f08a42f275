package policy

import (
	"strings"

	"github.com/google/cel-go/cel"
	celtypes "github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"

	"github.com/huchain/huchain/types"
)

// Request is what a judgment is about. Slices are not kept. It serves one judgment.
type Request struct {
	Chain, Stage     string
	Contract, Method string
	Kind             string // audit: only rules of this kind; "" for all
	Narrow           bool   // leave rules for every contract out

	Member, Org    string
	Roles, Signers []string
	Height         uint64
	TimeMs         int64

	Args   []byte // run, result: JSON; decoded when a rule asks for it
	Caller string // run: the contract that calls, "" for a transaction

	Result  []byte // result: JSON
	GasUsed uint64
	Events  []string // names, in order
	Guarded bool     // the contract has asked the supervision contract

	Deploy *Deployment

	Subject string // audit
	Data    []byte // audit: JSON

	decoded, decodedResult any
	text                   string
	failed                 error // decoding has failed
	values                 values
	searched               bool                        // words have been looked for
	grams                  *grams                      // of text, made when words are looked for again
	frame                  *interpreter.ExecutionFrame // of all expressions: making one takes as long as a comparison
}

// Deployment is a contract to be created or upgraded.
type Deployment struct {
	Version, Code, Publisher, Language string
	Uses                               []string
	Upgrade                            bool
	Scan                               string // result of scanning the code, "" for none
}

// Hit is a rule that a request has met.
type Hit struct {
	Rule   *Rule
	Failed error // the rule could not be judged; nil for a true hit
}

// Verdict is the outcome of a judgment.
type Verdict struct {
	Refused *Hit
	Noted   []Hit // actions record and alert, up to the refusal
}

// Counter tells whether a rule's limit is reached for a member in the present window,
// and counts this call if not. An error means that the storage failed.
type Counter func(r *Rule, member string) (over bool, err error)

// Judge holds a request against the rules for it: first those for every contract, then
// the contract's, then the method's, each in the order of ids. The first refusal ends
// it. The error is the Counter's.
func (s *Set) Judge(q *Request, count Counter) (Verdict, error) {
	x := s.chains[q.Chain]
	if x == nil {
		return Verdict{}, nil
	}
	v, err := x.judge(q, count)
	if q.frame != nil {
		q.frame.Close()
		q.frame = nil
	}
	return v, err
}

func (x *index) judge(q *Request, count Counter) (Verdict, error) {
	var v Verdict
	targets := [3]target{{q.Stage, "", ""}, {q.Stage, q.Contract, ""}, {q.Stage, q.Contract, q.Method}}
	budget := uint64(MaxCost)
	for i, at := range targets {
		if i == 0 && q.Narrow || i > 0 && at == targets[i-1] {
			continue
		}
		for _, r := range x.rules[at] {
			if q.Kind != "" && q.Kind != r.Kind {
				continue
			}
			hit, err := q.meets(r, &budget, count)
			if err != nil {
				return v, err
			}
			if hit == nil {
				continue
			}
			if r.Action == ActionRefuse {
				v.Refused = hit
				return v, nil
			}
			v.Noted = append(v.Noted, *hit)
		}
	}
	return v, nil
}

// meets judges one rule; nil means that it is not hit.
func (q *Request) meets(r *Rule, budget *uint64, count Counter) (*Hit, error) {
	if r.words != nil {
		if !q.decode() {
			return &Hit{r, q.failed}, nil
		}
		if q.searched && q.grams == nil { // for one rule they do not pay
			q.grams = newGrams(q.text)
		}
		q.searched = true
		if !r.words.in(q.text, q.grams) {
			return nil, nil
		}
	}
	if r.program != nil {
		if q.frame == nil {
			var err error
			if q.frame, err = interpreter.NewExecutionFrame(q); err != nil {
				return nil, types.Errorf(types.CodeInternal, "judge: %w", err)
			}
		}
		hit, err := r.program.eval(q.frame, max(len(q.Args), len(q.Data), len(q.Result)), budget)
		if err != nil && q.failed != nil {
			err = q.failed
		}
		if err != nil {
			return &Hit{r, err}, nil //nolint:nilerr // a rule that cannot be judged is a hit
		}
		if !hit {
			return nil, nil
		}
	}
	if r.Limit != nil {
		over, err := count(r, q.counted())
		if err != nil || !over {
			return nil, err
		}
	}
	return &Hit{Rule: r}, nil
}

// counted is whose calls a limit counts.
func (q *Request) counted() string {
	if q.Stage == StageAudit && q.Subject != "" {
		return q.Subject
	}
	return q.Member
}

// values are what expressions have asked for, as CEL has it: a value is made once for all
// rules of a judgment.
type values struct {
	chain, contract, method, member, org, caller, subject, text ref.Val
	roles, signers                                              ref.Val
	height, time, argBytes                                      ref.Val
}

func once(at *ref.Val, make func() ref.Val) (any, bool) {
	if *at == nil {
		*at = make()
	}
	return *at, true
}

func onceText(at *ref.Val, s string) (any, bool) {
	return once(at, func() ref.Val { return celtypes.String(s) })
}

func onceList(at *ref.Val, l []string) (any, bool) {
	return once(at, func() ref.Val {
		items := make([]ref.Val, len(l))
		for i, s := range l {
			items[i] = celtypes.String(s)
		}
		return celtypes.NewRefValList(celtypes.DefaultTypeAdapter, items)
	})
}

func onceInt(at *ref.Val, n int64) (any, bool) {
	return once(at, func() ref.Val { return celtypes.Int(n) })
}

// Parent implements cel.Activation.
func (q *Request) Parent() cel.Activation { return nil }

// ResolveName implements cel.Activation: it gives an expression a variable's value.
func (q *Request) ResolveName(name string) (any, bool) {
	v := &q.values
	switch name {
	case "chain":
		return onceText(&v.chain, q.Chain)
	case "contract":
		return onceText(&v.contract, q.Contract)
	case "method":
		return onceText(&v.method, q.Method)
	case "member":
		return onceText(&v.member, q.Member)
	case "org":
		return onceText(&v.org, q.Org)
	case "roles":
		return onceList(&v.roles, q.Roles)
	case "signers":
		return onceList(&v.signers, q.Signers)
	case "height":
		return onceInt(&v.height, int64(q.Height))
	case "time":
		return onceInt(&v.time, q.TimeMs/1000)
	case "caller":
		return onceText(&v.caller, q.Caller)
	case "args", "data", "text":
		return q.body(name)
	case "argBytes":
		return onceInt(&v.argBytes, int64(len(q.Args)))
	case "subject":
		return onceText(&v.subject, q.Subject)
	}
	if q.Deploy != nil {
		return q.Deploy.resolve(name)
	}
	return q.outcome(name)
}

func (q *Request) body(name string) (any, bool) {
	if !q.decode() {
		return nil, false
	}
	if name == "text" {
		return onceText(&q.values.text, q.text)
	}
	return q.decoded, true
}

// decode reads what the request is about, once; it reports whether that is JSON.
func (q *Request) decode() bool {
	if q.decoded == nil && q.failed == nil {
		raw := q.Args
		if q.Stage == StageAudit {
			raw = q.Data
		}
		if len(raw) == 0 {
			raw = []byte("{}")
		}
		v, texts, err := decodeJSON(raw)
		q.decoded, q.failed, q.text = v, err, strings.Join(texts, "\n")
	}
	return q.failed == nil
}

func (q *Request) outcome(name string) (any, bool) {
	switch name {
	case "result":
		if q.decodedResult == nil {
			raw := q.Result
			if len(raw) == 0 {
				raw = []byte("null")
			}
			v, _, err := decodeJSON(raw)
			if err != nil {
				return nil, false
			}
			q.decodedResult = v
		}
		return q.decodedResult, true
	case "gasUsed":
		return int64(q.GasUsed), true
	case "events":
		return q.Events, true
	case "guarded":
		return q.Guarded, true
	}
	return nil, false
}

func (d *Deployment) resolve(name string) (any, bool) {
	switch name {
	case "version":
		return d.Version, true
	case "code":
		return d.Code, true
	case "publisher":
		return d.Publisher, true
	case "language":
		return d.Language, true
	case "uses":
		return d.Uses, true
	case "upgrade":
		return d.Upgrade, true
	case "scan":
		return d.Scan, true
	}
	return nil, false
}
