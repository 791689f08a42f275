package bundle

import (
	"fmt"
	"slices"
	"strings"
)

// SchemaWorkflow is a workflow as the code declares it; records start in States[0].
type SchemaWorkflow struct {
	States []string              `json:"states"`
	Moves  map[string]SchemaMove `json:"moves"`
}

// SchemaMove is one transition.
type SchemaMove struct {
	From  []string `json:"from"`
	To    string   `json:"to,omitempty"` // empty: stays in the state
	Allow string   `json:"allow"`        // public, self or ANY …
}

// CheckMove refuses unknown states and rules that a contract cannot enforce: it sees
// one caller, so it cannot count organisations.
func (w *SchemaWorkflow) CheckMove(name string, m SchemaMove) error {
	if !methodRE.MatchString(name) {
		return fmt.Errorf("move %q: must match %s", name, MethodPattern)
	}
	if len(m.From) == 0 {
		return fmt.Errorf("move %s: from which states?", name)
	}
	for _, st := range m.From {
		if !slices.Contains(w.States, st) {
			return fmt.Errorf("move %s: %q is no state", name, st)
		}
	}
	if m.To != "" && !slices.Contains(w.States, m.To) {
		return fmt.Errorf("move %s: %q is no state", name, m.To)
	}
	rule, err := ParseAllow(m.Allow)
	if err != nil {
		return fmt.Errorf("move %s: %w", name, err)
	}
	if rule.Kind != Public && rule.Kind != Self && rule.Kind != Any {
		return fmt.Errorf("move %s: a move is allowed by public, self or ANY; let the method ask for several signers", name)
	}
	return nil
}

// checkWorkflows compares the tables of bundle.yaml with those of the code.
func (s *Spec) checkWorkflows(f *findings, schema *Schema) {
	sameNames(f, "workflows", "workflow", sortedKeys(s.Workflows), sortedKeys(schema.Workflows))
	for _, name := range sortedKeys(s.Workflows) {
		w := s.Workflows[name]
		code, ok := schema.Workflows[name]
		if !ok {
			continue
		}
		path := []string{"workflows", name}
		if schema.Records[w.Record].Workflow != name {
			f.add(append(path, "record"), "workflow_record", name, w.Record)
		}
		if !slices.Equal(w.States, code.States) || w.Start != code.States[0] {
			f.add(append(path, "states"), "workflow_code", name, listed(code.States))
		}
		path = append(path, "moves")
		for _, move := range sortedKeys(code.Moves) {
			if _, ok := w.Moves[move]; !ok {
				f.add(path, "not_here", "move", move)
			}
		}
		for _, move := range sortedKeys(w.Moves) {
			m, ok := code.Moves[move]
			if !ok {
				f.add(append(slices.Clone(path), move), "not_in_code", "move", move, listed(sortedKeys(code.Moves)))
				continue
			}
			x := w.Moves[move]
			if !slices.Equal(x.From, m.From) || x.To != m.To || x.Allow != m.Allow {
				f.add(append(slices.Clone(path), move), "move_code", move, m.String())
			}
		}
	}
}

// String writes the move as bundle.yaml does.
func (m SchemaMove) String() string {
	to := ""
	if m.To != "" {
		to = "to: " + m.To + ", "
	}
	return fmt.Sprintf("{from: [%s], %sallow: %q}", strings.Join(m.From, ", "), to, m.Allow)
}

// checkMetaColumns finds columns meta.… of records that package record does not keep.
func (s *Spec) checkMetaColumns(f *findings, schema *Schema) {
	need := func(who, record, column string, path ...string) {
		if slices.Contains(metaColumns, column) && schema.Records[record].Storage != "record" {
			f.add(path, "meta_column", who, record, column)
		}
	}
	for _, name := range sortedKeys(s.Views) {
		v := s.Views[name]
		for _, c := range slices.Concat(v.Columns, v.Filter, v.Sort) {
			need("view "+name, s.viewRecord(v), c, "views", name)
		}
	}
}

// keptByLibrary reports whether a field is the record library's own, with the same
// meaning in all bundles.
func keptByLibrary(t *Type) bool {
	return t != nil && (t.Ref == refPrefix+"RecordMeta" || t.Ref == refPrefix+"RecordKeys")
}

// pointsTo returns the record that a field refers to by the code's declarations, "" if
// it refers to none.
func (s *Schema) pointsTo(record, field string) string {
	for _, name := range sortedKeys(s.Records) {
		if r := s.Records[name]; r.To != "" && r.Record == record && len(r.Fields) == 1 && r.Fields[0] == field {
			return r.To
		}
	}
	return ""
}

// metaColumns are what views may show and filter beside a record's own fields, where
// the record library keeps it.
var metaColumns = []string{"meta.version", "meta.owner", "meta.state", "meta.by", "meta.time", "meta.created"}

// recordErrorPrefix begins the names of the record library's errors.
const recordErrorPrefix = "record_"

// RecordErrors are the words of the errors that the record library raises in the name
// of a bundle, as <bundle>.record_not_found. Bundles do not declare them.
var RecordErrors = map[string]ErrorSpec{
	"record_not_found":   {ZH: "记录不存在或已删除", EN: "no such record, or deleted", Fix: Text{"核对编号", "check the key"}},
	"record_exists":      {ZH: "编号已被使用", EN: "the key is or was in use", Fix: Text{"使用新的编号；已删除的编号也不可再用", "use another key; those of deleted records stay used"}},
	"record_forbidden":   {ZH: "无权操作该记录", EN: "the caller has no right to do this with the record", Fix: Text{"由所有者办理，或请其授权", "let the owner do it, or ask for a grant"}},
	"record_wrong_state": {ZH: "记录当前状态不允许此操作", EN: "the record's state does not permit this", Fix: Text{"查看记录状态与流程", "look at the record's state and its workflow"}},
	"record_stale":       {ZH: "记录已被他人修改", EN: "somebody changed the record in between", Fix: Text{"重新读取后再修改", "read it again, then repeat the change"}},
	"record_duplicate":   {ZH: "唯一字段的值已被占用", EN: "another record holds a value that must be unique", Fix: Text{"使用其他值", "use another value"}},
	"record_unknown_ref": {ZH: "引用的记录不存在", EN: "a reference points to no record", Fix: Text{"先建立被引用的记录，或核对编号", "create the record referred to first, or check its key"}},
	"record_in_use":      {ZH: "仍有其他记录引用该记录", EN: "other records refer to this one", Fix: Text{"先删除或改写引用它的记录", "delete or change those first"}},
	"record_bad_seal":    {ZH: "加密字段或密钥的格式错误", EN: "an envelope or a wrapped key is malformed", Fix: Text{"用平台的 client/sealed 加密", "seal it with client/sealed of the platform"}},
	"record_bad_readers": {ZH: "密钥并非恰好加密给所有者与读者", EN: "the key is not wrapped to exactly the owner and the readers", Fix: Text{"读取记录的授权后，为所有者与每位有效读者各加密一份密钥", "read the record's grants, then wrap the key once to the owner and to each reader in force"}},
	"record_rekey":       {ZH: "有读者退出，内容须以新密钥重新加密", EN: "a reader left: the content must be sealed anew under a fresh key", Fix: Text{"打开内容，换新密钥重新加密后提交", "open the content, seal it under a new key and submit that"}},
	"record_overflow":    {ZH: "计数超出 64 位", EN: "a counter would exceed 64 bits", Fix: Text{"减小数值", "use smaller amounts"}},
	"record_reused":      {ZH: "请求编号已用于其他请求", EN: "the request key was used for another request", Fix: Text{"每个请求使用新的编号；重试时原样重发", "use a new key for each request, and repeat a request as it was"}},
	"record_bad_batch":   {ZH: "批量过大或嵌套", EN: "a batch too large, or within a batch", Fix: Text{"每批至多 1024 项", "send at most 1024 items at once"}},
	"record_bad_grant":   {ZH: "授权内容错误", EN: "malformed grant", Fix: Text{"授予所有者以外的主体至少一项权限，期限须在将来，每条记录至多 64 项授权", "grant at least one right to somebody else than the owner, until a time to come; at most 64 grants a record"}},
}
