package types

// networkTable explains codes 5xxx: consensus and network.
var networkTable = []Explanation{
	{
		Code:    CodeNotReady,
		Message: Text{"节点尚未就绪", "node is not ready"},
		Cause:   Text{"节点正在追赶区块，或连不上足够的验证者。", "The node is catching up with the chain or lacks connections to enough validators."},
		Fix:     Text{"稍候重试，或改连另一节点；情况见 huchain query status。", "Try again shortly or use another node; huchain query status shows why."},
		Retry:   true,
	},
	{
		Code:    CodeGenesisInvalid,
		Message: Text{"创世文件无效", "genesis file is invalid"},
		Cause:   Text{"创世文件缺项、互相矛盾，或其 SM3 与预期不同。", "It lacks an entry, contradicts itself, or its SM3 is not the expected one."},
		Fix:     Text{"向链的发起方重新索取，用 openssl dgst -sm3 genesis.json 核对。", "Get it again from whoever founded the chain and compare openssl dgst -sm3 genesis.json."},
	},
	{
		Code:    CodeProtocolUnknown,
		Message: Text{"不认识的协议版本", "unknown protocol version"},
		Cause:   Text{"本链已启用比本程序更新的协议版本。", "The chain runs a protocol version newer than this program."},
		Fix:     Text{"升级 huchain 后重新启动。", "Upgrade huchain and start again."},
	},
	{
		Code:    CodeFoundingUnsigned,
		Message: Text{"创世文件未经全体创始机构签署", "genesis is not signed by every founding organisation"},
		Cause:   Text{"有机构尚未签署，或签署的是另一份内容，或文件在签署后被改动。", "An organisation has not signed yet, has signed another content, or the file was changed after signing."},
		Fix:     Text{"通过电话核对短哈希（huchain chain genesis show），请缺失的机构签署同一份草案（huchain chain genesis sign），再封存。", "Compare the short hash by telephone (huchain chain genesis show), have the missing organisations sign the same draft (huchain chain genesis sign), then seal."},
	},
	{
		Code:    CodeChainStopped,
		Message: Text{"该链在本节点上已停止", "the chain is stopped on this node"},
		Cause:   Text{"管理员停止了该链，或该链在本节点上发生故障；本节点的其他链不受影响。", "An operator stopped the chain, or it failed on this node; other chains of the node are not affected."},
		Fix:     Text{"用 huchain chain list --home 目录 查看原因，排除后运行 huchain chain start 链名。", "See the reason with huchain chain list --home DIR, remove it, then run huchain chain start NAME."},
	},
	{
		Code:    CodeChainReadOnly,
		Message: Text{"该链在本节点上只读", "the chain can only be read on this node"},
		Cause:   Text{"该链由创世文件与归档重建而成，缺少最新区块的投票，共识无法由此继续。", "It was rebuilt from its genesis and archive, which lack the votes for the newest block: consensus cannot go on from there."},
		Fix:     Text{"查询与证明照常可用；要写入请连接仍在共识中的节点，或从备份恢复（huchain backup restore）；若全链已无一处可写，由验证者共同签署重启（huchain archive restart）。", "Queries and proofs work as ever; to write, connect to a node that takes part in consensus, or restore a backup (huchain backup restore). If the chain runs nowhere any more, its validators sign to restart it (huchain archive restart)."},
	},
	{
		Code:    CodeRestartRefused,
		Message: Text{"重启决议与本链本节点不符", "the act of restarting is not for this chain as it stands here"},
		Cause:   Text{"决议属于另一条链或另一高度、另一区块，签名不足三分之二，被改动，或本节点的账本已越过该高度。", "It is of another chain, height or block, is signed by two thirds of the validators or less, was altered, or the ledger of this node has gone beyond that height."},
		Fix:     Text{"用 huchain archive restart show 查看决议并与其他验证者核对短哈希；补足签名，或由归档把账本重建到决议所载高度。", "Look at the act with huchain archive restart show and compare its short hash with the other validators'; gather the signatures that are missing, or rebuild the ledger from the archive to the height that it names."},
	},
}
