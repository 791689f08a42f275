package policy

import (
	"errors"
	"math/bits"
	"regexp/syntax"
	"slices"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	celtypes "github.com/google/cel-go/common/types"
	"github.com/google/cel-go/interpreter"

	"github.com/huchain/huchain/types"
)

// maxPatternSteps bounds a compiled regular expression.
const maxPatternSteps = 1000

// variables are what every stage offers, and what one alone does.
var variables = []struct {
	stage string // "" for all
	name  string
	typ   *cel.Type
}{
	{"", "chain", cel.StringType},
	{"", "contract", cel.StringType},
	{"", "member", cel.StringType},
	{"", "org", cel.StringType},
	{"", "roles", cel.ListType(cel.StringType)},
	{"", "signers", cel.ListType(cel.StringType)},
	{"", "height", cel.IntType},
	{"", "time", cel.IntType}, // Unix seconds
	{StageRun, "method", cel.StringType},
	{StageRun, "args", cel.DynType},
	{StageRun, "argBytes", cel.IntType},
	{StageRun, "text", cel.StringType},
	{StageRun, "caller", cel.StringType},
	{StageResult, "method", cel.StringType},
	{StageResult, "args", cel.DynType},
	{StageResult, "argBytes", cel.IntType},
	{StageResult, "text", cel.StringType},
	{StageResult, "result", cel.DynType},
	{StageResult, "gasUsed", cel.IntType},
	{StageResult, "events", cel.ListType(cel.StringType)},
	{StageResult, "guarded", cel.BoolType},
	{StageDeploy, "version", cel.StringType},
	{StageDeploy, "code", cel.StringType},
	{StageDeploy, "publisher", cel.StringType},
	{StageDeploy, "language", cel.StringType},
	{StageDeploy, "uses", cel.ListType(cel.StringType)},
	{StageDeploy, "upgrade", cel.BoolType},
	{StageDeploy, "scan", cel.StringType},
	{StageAudit, "method", cel.StringType},
	{StageAudit, "subject", cel.StringType},
	{StageAudit, "data", cel.DynType},
	{StageAudit, "text", cel.StringType},
}

// functions are all that an expression may call.
var functions = []string{
	operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.Conditional,
	operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals,
	operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo, operators.Negate,
	operators.Index, operators.In, operators.NotStrictlyFalse,
	"size", "contains", "startsWith", "endsWith", "matches", "int", "string", "decimal",
}

type environments struct {
	byStage map[string]*cel.Env // lookups only
}

func newEnvironments() (*environments, error) {
	e := &environments{byStage: map[string]*cel.Env{}}
	for _, stage := range stages {
		opts := []cel.EnvOption{
			cel.Function("decimal", cel.Overload("decimal_dyn", []*cel.Type{cel.DynType}, cel.IntType, cel.UnaryBinding(decimal))),
			cel.ParserExpressionSizeLimit(MaxExpressionBytes), cel.ParserRecursionLimit(50),
		}
		for _, v := range variables {
			if v.stage == "" || v.stage == stage {
				opts = append(opts, cel.Variable(v.name, v.typ))
			}
		}
		env, err := cel.NewEnv(opts...)
		if err != nil {
			return nil, types.Errorf(types.CodeInternal, "rule environment: %w", err)
		}
		e.byStage[stage] = env
	}
	return e, nil
}

// usualBytes is the size of arguments on which every expression must be affordable.
const usualBytes = 1024

// program is a compiled expression. It is safe for concurrent use.
type program struct {
	p    cel.Program
	cost [22]uint64 // by the bits of the arguments' size
}

func (e *environments) compile(stage, text string) (*program, error) {
	env := e.byStage[stage]
	tree, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, refuse("%s", types.CleanText(issues.Err().Error(), 500))
	}
	if tree.OutputType() != cel.BoolType {
		return nil, refuse("an expression gives true or false, this one gives %s (compare with == true)", tree.OutputType())
	}
	if err := admit(tree.NativeRep().Expr()); err != nil {
		return nil, err
	}
	p := &program{}
	if err := p.estimate(env, tree); err != nil {
		return nil, err
	}
	var err error
	if p.p, err = env.Program(tree, cel.EvalOptions(cel.OptOptimize)); err != nil {
		return nil, refuse("%s", types.CleanText(err.Error(), 500))
	}
	return p, nil
}

// admit refuses expressions that could differ between machines or cost without bound.
func admit(root ast.Expr) error {
	var bad error
	note := func(err error) {
		if bad == nil {
			bad = err
		}
	}
	ast.PreOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.LiteralKind:
			if t := e.AsLiteral().Type(); t == celtypes.DoubleType || t == celtypes.DurationType || t == celtypes.TimestampType {
				note(refuse("%s has no place in rules; write decimal(\"1.5\")", t.TypeName()))
			}
		case ast.MapKind, ast.StructKind:
			note(refuse("maps and messages cannot be written in a rule"))
		case ast.CallKind:
			note(admitCall(e.AsCall()))
		case ast.UnspecifiedExprKind, ast.IdentKind, ast.ListKind, ast.SelectKind, ast.ComprehensionKind:
		}
	}))
	return bad
}

func admitCall(c ast.CallExpr) error {
	if !slices.Contains(functions, c.FunctionName()) {
		return refuse("%s is no function of rules", c.FunctionName())
	}
	if c.FunctionName() != "matches" {
		return nil
	}
	pattern := c.Args()[len(c.Args())-1]
	if pattern.Kind() != ast.LiteralKind {
		return refuse("the pattern of matches is a constant")
	}
	text, ok := pattern.AsLiteral().(celtypes.String)
	if !ok {
		return refuse("the pattern of matches is a string")
	}
	tree, err := syntax.Parse(string(text), syntax.Perl)
	if err != nil {
		return refuse("pattern: %w", err)
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil || len(prog.Inst) > maxPatternSteps {
		return refuse("the pattern has more than %d steps", maxPatternSteps)
	}
	return nil
}

// sizes is the estimator of a worst case: every text and list as long as the arguments.
// What belongs to an element of a list under all(), exists() … counts elementSize: the
// elements together are no longer than the arguments, and a walk over as many elements
// as there could be is counted already.
type sizes uint64

const elementSize = 8

// EstimateSize implements checker.CostEstimator.
func (s sizes) EstimateSize(node checker.AstNode) *checker.SizeEstimate {
	if ofElement(node.Expr()) {
		return &checker.SizeEstimate{Max: elementSize}
	}
	return &checker.SizeEstimate{Max: uint64(s)}
}

// ofElement reports whether an expression is, or belongs to, the variable of a
// comprehension: a name that no stage declares.
func ofElement(e ast.Expr) bool {
	for {
		switch e.Kind() {
		case ast.SelectKind:
			e = e.AsSelect().Operand()
		case ast.CallKind:
			c := e.AsCall()
			switch {
			case c.IsMemberFunction():
				e = c.Target()
			case len(c.Args()) > 0:
				e = c.Args()[0]
			default:
				return false
			}
		case ast.IdentKind:
			for i := range variables {
				if variables[i].name == e.AsIdent() {
					return false
				}
			}
			return true
		default:
			return false
		}
	}
}

// EstimateCallCost implements checker.CostEstimator: calls cost what CEL says.
func (s sizes) EstimateCallCost(string, string, *checker.AstNode, []checker.AstNode) *checker.CallEstimate {
	return nil
}

// estimate fills in what the expression costs at worst on arguments of 2^k bytes.
func (p *program) estimate(env *cel.Env, tree *cel.Ast) error {
	for k := range p.cost {
		e, err := env.EstimateCost(tree, sizes(1)<<k)
		if err != nil {
			return refuse("%s", types.CleanText(err.Error(), 500))
		}
		p.cost[k] = e.Max
	}
	if c := p.cost[bits.Len(usualBytes-1)]; c > MaxCost {
		return refuse("the expression may cost %d units on arguments of %d bytes, at most %d", c, usualBytes, MaxCost)
	}
	return nil
}

// Reasons for which a rule cannot be judged; fixed words, because they go into receipts.
var (
	errCost  = errors.New("the expression costs too much on this call")
	errValue = errors.New("a value is missing, of another type or out of range")
)

// eval returns whether the expression holds on arguments of a size, and takes its cost
// at worst out of the budget. The cost is not measured while it runs: cel-go's measuring
// takes time quadratic in what it measures, and an estimate is the same everywhere.
func (p *program) eval(vars *interpreter.ExecutionFrame, sizeBytes int, budget *uint64) (bool, error) {
	cost := p.cost[min(bits.Len(uint(sizeBytes)), len(p.cost)-1)]
	if cost > *budget {
		*budget = 0
		return false, errCost
	}
	*budget -= cost
	out, _, err := p.p.Eval(vars)
	hit, ok := out.(celtypes.Bool)
	if err != nil || !ok {
		return false, errValue
	}
	return bool(hit), nil
}
