package bench

import (
	"fmt"
	"regexp"
)

func (rep *Report) conditionRows() []condition {
	c := &rep.Conditions
	var out []condition
	add := func(zh, en, format string, args ...any) {
		if v := fmt.Sprintf(format, args...); v != "" {
			out = append(out, condition{Name: said{zh, en}, Value: inChinese(v)})
		}
	}
	add("验证节点", "validators", "%d", c.Validators)
	add("机器", "machine", "%s, %d × CPU, %.0f GiB, %s", c.Machine, c.Cores, float64(c.MemoryBytes)/(1<<30), c.Platform)
	add("测前负载", "load of the machine before", "%.1f", c.LoadBefore)
	add("签名", "signatures", "%s", c.Signature)
	add("链路", "links", "%s", c.Links)
	add("执行", "execution", "%s", c.Execution)
	add("落盘", "durability", "%s", c.Durability)
	add("争用", "contention", "%s", c.Contention)
	add("负载方式", "loop", "%s", c.Loop)
	add("签名成员", "members that sign", "%d", c.Members)
	if rep.BytesPerTx > 0 {
		add("每交易字节", "bytes of a transaction", "%.1f (body %.1f)", rep.BytesPerTx, rep.BodyBytesPerTx)
	}
	add("已有记录", "existing records", "%d", c.Existing)
	add("时长", "duration", "%.1f s, warm-up %.0f s", c.DurationS, c.WarmupS)
	if rep.Blocks > 0 {
		add("区块", "blocks", "%d, %.1f transactions each, at most %d", rep.Blocks, rep.TxsPerBlock, rep.TxsPerBlockMax)
		add("出块间隔（毫秒）", "block interval, ms", "p50 %s, p99 %s, max %s", trim(rep.BlockIntervalMs.P50), trim(rep.BlockIntervalMs.P99), trim(rep.BlockIntervalMs.Max))
	}
	if rep.Offered > 0 {
		add("提供", "offered", "%d, %d of them never sent", rep.Offered, rep.NotSent)
	}
	add("压测程序处理器", "CPU of the generator", "%.1f µs", rep.GeneratorCPUPerTxUs)
	if g := rep.memoryGrowth(); g > 0 {
		add("结束时内存", "memory at the end", "%.2f × that after a fifth of the run", g)
	}
	add("失败", "failures", "%s", rep.errors())
	if s := rep.Streams; s != nil {
		add("订阅", "open streams", "%d, %d broken, %d to %d blocks each", s.Open, s.Broken, s.Fewest, s.Most)
	}
	if m := rep.Mirror; m != nil {
		add("镜像库落后", "mirror behind", "%s, mean %.2f blocks, at most %d", m.Database, m.LagBlocks, m.LagBlocksMax)
	}
	if k := rep.Ceiling; k != nil {
		add("仅共识引擎", "CometBFT alone", "%.0f/s, %.1f µs a transaction and validator, %.0f transactions a block, %d bytes each, %.0f s",
			k.TPS, k.CPUPerTxAndValidatorUs, k.TxsPerBlock, k.TxBytes, k.DurationS)
	}
	add("版本", "build", "%s, %s", c.Build, c.Go)
	out[len(out)-1].Code = true
	if rep.Signature != nil {
		add("报告签名公钥", "report signed by", "%s", rep.Signature.PublicKey)
		out[len(out)-1].Code = true
	}
	return out
}

// chinese says in Chinese what reports say in English: each a whole text, or a part of
// one between commas and semicolons.
var chinese = []struct {
	en *regexp.Regexp
	zh string
}{
	{regexp.MustCompile(`^SM2 with SM3, one a transaction, verified by every validator`), "SM2/SM3，每笔交易一个签名，由每个验证节点验证"},
	{regexp.MustCompile(`; one more for each DID, by its key, in the contract$`), "；每个身份另有一个由其密钥签署、在合约中验证的签名"},
	{regexp.MustCompile(`^TLCP between validators; HTTP on loopback from the generator$`), "验证节点之间为 TLCP；压测程序经本机回环 HTTP"},
	{regexp.MustCompile(`^contract in WASM, fresh memory for each call$`), "WASM 合约，每次调用使用全新内存"},
	{regexp.MustCompile(`^every block synced to disk before it is acknowledged$`), "每个区块落盘后才应答"},
	{regexp.MustCompile(`^none: every transaction writes keys of its own$`), "无：每笔交易写各自的键"},
	{regexp.MustCompile(`^none: every deposit writes keys of its own$`), "无：每次存证写各自的键"},
	{regexp.MustCompile(`^none: every batch creates DIDs of its own$`), "无：每批创建各自的身份"},
	{regexp.MustCompile(`^none: nothing is written$`), "无：只读"},
	{regexp.MustCompile(`^accounts picked by a Zipf distribution with exponent (\S+) over (\d+)$`), "按指数 $1 的 Zipf 分布在 $2 个账户中选取"},
	{regexp.MustCompile(`^closed, at most (\d+) in flight$`), "闭环，在途至多 $1 笔"},
	{regexp.MustCompile(`^closed, (\d+) clients with one call each$`), "闭环，$1 个客户端各一个调用"},
	{regexp.MustCompile(`^closed, (\d+) senders with one batch of (\d+) each, then (\d+) clients with one lookup each$`), "闭环，$1 个发送方各一批 $2 个，随后 $3 个客户端各一次查询"},
	{regexp.MustCompile(`^open, (\d+) offered a second$`), "开环，每秒提供 $1 次"},
	{regexp.MustCompile(`^(\S+) s, warm-up (\S+) s$`), "$1 秒，预热 $2 秒"},
	{regexp.MustCompile(`^(\d+), (\S+) transactions each, at most (\d+)$`), "$1 个，平均 $2 笔，至多 $3 笔"},
	{regexp.MustCompile(`^(\d+), (\d+) of them never sent$`), "$1 次，其中 $2 次未能发出"},
	{regexp.MustCompile(`^(\d+), (\d+) broken, (\d+) to (\d+) blocks each$`), "$1 个，中断 $2 个，各收到 $3 至 $4 块"},
	{regexp.MustCompile(`^(\S+)/s, (\S+) µs a transaction and validator, (\d+) transactions a block, (\d+) bytes each, (\d+) s$`), "每秒 $1 笔，每交易每节点 $2 微秒，每块 $3 笔，每笔 $4 字节，历时 $5 秒"},
	{regexp.MustCompile(`^(\S+), mean (\S+) blocks, at most (\d+)$`), "$1，平均 $2 块，至多 $3 块"},
	{regexp.MustCompile(`^(\S+) × that after a fifth of the run$`), "为运行至五分之一时的 $1 倍"},
	{regexp.MustCompile(`^none$`), "无"},
	{regexp.MustCompile(`\(body (\S+)\)$`), "（正文 $1）"},
	{regexp.MustCompile(`^deposit of a unique hash: a blind write of two state rows$`), "存证一个不重复的哈希：盲写两行状态"},
	{regexp.MustCompile(`^transfer of units between two accounts: .*`), "两个账户之间转移数量：读写两行"},
	{regexp.MustCompile(`^state rows read with a proof, .*`), "带证明读取状态，每个证明核验至验证节点签名"},
	{regexp.MustCompile(`^what people do at a console: .*`), "控制台的日常操作：带回执存证、核验、取证明、列表与详情"},
	{regexp.MustCompile(`^what explorers ask: .*`), "浏览器查询：区块、按编号与发送者查交易、带证明的状态、镜像库检索与统计"},
	{regexp.MustCompile(`^DIDs created in batches of (\d+), then resolved at random$`), "每批创建 $1 个身份，随后随机查询"},
}

// inChinese gives a text of a report in both languages. What is not known stays English.
func inChinese(en string) said {
	zh := en
	for _, c := range chinese {
		zh = c.en.ReplaceAllString(zh, c.zh)
	}
	return said{zh, en}
}
