package types

// nodeTable explains codes 1xxx: commands, configuration, the node as a process.
var nodeTable = []Explanation{
	{
		Code:    CodeInternal,
		Message: Text{"内部错误", "internal error"},
		Cause:   Text{"程序遇到了未预期的情况，属于软件缺陷或环境异常。", "The program met a case it does not expect: a defect, or a damaged environment."},
		Fix:     Text{"查看节点日志中同一时刻的记录，附上日志与版本信息（huchain version）报告问题。", "Look up the same moment in the node's log and report it with the log and the output of huchain version."},
	},
	{
		Code:    CodeUsage,
		Message: Text{"命令或请求参数有误", "wrong usage"},
		Cause:   Text{"缺少参数、参数格式不对，或参数之间互相矛盾。", "An argument is missing, malformed, or contradicts another one."},
		Fix:     Text{"在命令后加 --help 查看用法；接口请求请对照 OpenAPI 说明。", "Add --help to the command to see its usage; compare an API request with the OpenAPI page."},
	},
	{
		Code:    CodeNotFound,
		Message: Text{"未找到", "not found"},
		Cause:   Text{"所查的交易、区块、合约、状态或文件不存在，或尚未上链。", "The transaction, block, contract, record or file does not exist, or is not on the chain yet."},
		Fix:     Text{"核对编号与所连的链；刚提交的交易请稍候再查。", "Check the identifier and which chain you are connected to; ask again shortly for what was just submitted."},
		Retry:   true,
	},
	{
		Code:    CodeConfig,
		Message: Text{"配置有误", "invalid configuration"},
		Cause:   Text{"配置文件无法读取、含有未知项，或某个值超出允许范围。", "A configuration file cannot be read, holds an unknown key, or a value outside its range."},
		Fix:     Text{"按详情所指的文件与键修改，然后重新启动。", "Correct the file and key named in the details, then start again."},
	},
	{
		Code:    CodeHomeLocked,
		Message: Text{"节点目录正在被另一进程使用", "home folder is in use"},
		Cause:   Text{"同一目录已有一个节点进程在运行；两个进程共用一份密钥会造成双重签名。", "Another node process runs on the same folder; two processes on one key would sign twice."},
		Fix:     Text{"停止详情中所列的进程，或用 --home 指定另一个目录。", "Stop the process named in the details, or choose another folder with --home."},
		Retry:   true,
	},
	{
		Code:    CodePortTaken,
		Message: Text{"端口已被占用", "port is taken"},
		Cause:   Text{"另一个程序正在监听同一地址和端口。", "Another program listens on the same address and port."},
		Fix:     Text{"停止占用端口的程序，或在 node.toml、chain.toml 中改用其他端口。", "Stop that program, or set another port in node.toml or chain.toml."},
		Retry:   true,
	},
	{
		Code:    CodeDiskLow,
		Message: Text{"磁盘空间不足", "disk space is low"},
		Cause:   Text{"数据目录所在磁盘的剩余空间低于设定的下限，继续写入会有损坏风险。", "The disk of the data folder has less free space than the configured minimum; writing on would risk damage."},
		Fix:     Text{"清理或扩容磁盘后重新启动；下限可在 node.toml 中设置。", "Free or add space and start again; the minimum is set in node.toml."},
		Retry:   true,
	},
	{
		Code:    CodeUnreachable,
		Message: Text{"无法连接节点", "node is unreachable"},
		Cause:   Text{"节点未启动、地址有误，或网络与防火墙阻断了连接。", "The node is not running, the address is wrong, or the network or a firewall is in the way."},
		Fix:     Text{"确认节点已启动（huchain devnet status）且地址正确，然后重试。", "Make sure that the node runs (huchain devnet status) and that the address is right, then try again."},
		Retry:   true,
	},
	{
		Code:    CodeOutcomeUnknown,
		Message: Text{"交易结果暂不可知", "outcome is unknown yet"},
		Cause:   Text{"交易已提交，但在等待期限内未能确认是否上链；它仍可能上链。", "The transaction was submitted, but was not seen committed in the time waited; it may still be."},
		Fix:     Text{"按交易编号查询（huchain query tx）。有效期过后仍查不到，即可放心重新提交。", "Ask by its id (huchain query tx). Once its validity has passed and it is not found, submit anew."},
	},
	{
		Code:    CodeStarting,
		Message: Text{"节点正在启动", "node is starting"},
		Cause:   Text{"节点正在打开账本、重建状态树或编译合约，尚不能服务。", "The node is opening its ledger, rebuilding the state tree or compiling contracts, and cannot serve yet."},
		Fix:     Text{"按提示的时间稍候重试；进度见 /readyz 与日志。", "Wait as long as the hint says and try again; /readyz and the log show progress."},
		Retry:   true,
	},
	{
		Code:    CodeAlreadyExists,
		Message: Text{"已存在", "already exists"},
		Cause:   Text{"要创建的文件、目录、密钥或名称已经存在，为避免覆盖而拒绝。", "The file, folder, key or name to be created exists; it is not overwritten."},
		Fix:     Text{"换一个名称或路径；确认不再需要后，再自行移走原有的。", "Choose another name or path, or move the existing one away once you are sure it is not needed."},
	},
	{
		Code:    CodeToolMissing,
		Message: Text{"缺少所需工具", "a required tool is missing"},
		Cause:   Text{"此操作需要的外部程序未安装，或不在 PATH 中。", "A program this operation needs is not installed or not on the PATH."},
		Fix:     Text{"安装详情中所列的工具后重试。", "Install the tool named in the details and try again."},
	},
	{
		Code:    CodeRequestTooLarge,
		Message: Text{"请求过大", "request is too large"},
		Cause:   Text{"请求体超过接口允许的大小。", "The body of the request is larger than the interface accepts."},
		Fix:     Text{"缩小请求；大文件请存于链下，只把其 SM3 摘要上链。", "Make it smaller; keep large files off the chain and deposit their SM3 digest."},
	},

	{
		Code:    CodeFellBehind,
		Message: Text{"订阅方过慢，推送已终止", "the follower fell behind"},
		Cause:   Text{"订阅方读取速度跟不上出块，所需区块已不在节点内存中；节点不会为等待订阅方而延误出块。", "The client read more slowly than blocks were committed, and the block it needs next is no longer in the node's memory; no block waits for a client."},
		Fix:     Text{"用最后收到的消息编号（Last-Event-ID 或 after 参数）重新订阅，从该处继续；缩小订阅范围或加快处理。", "Follow again from the id of the last message received (Last-Event-ID, or the parameter after); follow less, or handle messages faster."},
		Retry:   true,
	},
	{
		Code:    CodeRateLimited,
		Message: Text{"请求过于频繁", "too many requests"},
		Cause:   Text{"同一调用方的请求数超过了节点设定的速率（node.toml 的 web.requestsPerSecond）。", "One caller sent more requests than the node allows (web.requestsPerSecond in node.toml)."},
		Fix:     Text{"按 Retry-After 等待后重试；批量提交请用批量接口，跟踪新数据请用订阅而非轮询。", "Wait as Retry-After says; submit in batches, and follow a stream instead of polling."},
		Retry:   true,
	},
	{
		Code:    CodeLoginRequired,
		Message: Text{"需要登录", "login required"},
		Cause:   Text{"此监听地址要求登录或应用密钥，而请求未携带，或会话、密钥已过期或被吊销。", "This listener asks for a login or an application's key; the request carried none, or its session or key has ended or was revoked."},
		Fix:     Text{"用证书登录（控制台，或 /api/v1/chains/{chain}/logins），或由运维人员签发应用密钥（huchain key api create）。", "Log in with a certificate (in the console, or at /api/v1/chains/{chain}/logins), or have an operator issue a key (huchain key api create)."},
	},
	{
		Code:    CodeAuditBroken,
		Message: Text{"审计日志被改动", "the audit log was altered"},
		Cause:   Text{"管理操作的审计日志中，有一条记录与前后记录的哈希不衔接，或记录有缺失。", "In the log of administrative calls, a record does not fit the hashes of its neighbours, or records are missing."},
		Fix:     Text{"保存现场，把日志与备份、以及节点运行日志中记下的哈希对照，查明何时被谁改动。", "Keep the file as it is, compare it with backups and with the hashes in the node's log, and find out when it was changed and by whom."},
	},
	{
		Code:    CodeLoginProvider,
		Message: Text{"身份提供方不可用", "the identity provider does not answer"},
		Cause:   Text{"节点无法从 node.toml 的 web.oidc.issuer 取得发现文档、令牌或用户信息。", "The node got no discovery document, token or user information from web.oidc.issuer of node.toml."},
		Fix:     Text{"检查地址、网络与证书（web.oidc.roots）；在此之前可用证书登录。", "Check the address, the network and its certificate (web.oidc.roots); logging in with a certificate works meanwhile."},
		Retry:   true,
	},
}
