package types

// table explains every code, ascending. docs/errors.md is generated from it
// (go test ./types -run TestErrorsPage -update).
var table = []Explanation{
	// 1xxx: commands, configuration, the node as a process
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

	// 2xxx: transactions and identity
	{
		Code:    CodeTxMalformed,
		Message: Text{"交易格式有误", "malformed transaction"},
		Cause:   Text{"交易字节不是规范编码，缺少必填字段，或签名数量与签署人不符。", "The bytes are not the canonical encoding, a required field is missing, or signatures and signers differ in number."},
		Fix:     Text{"使用官方 SDK 或 huchain tx 构造交易，勿改动已签名的字节。", "Build transactions with an SDK or huchain tx, and do not alter signed bytes."},
	},
	{
		Code:    CodeTxTooLarge,
		Message: Text{"交易过大", "transaction is too large"},
		Cause:   Text{"完整交易超过 256 KiB 的上限。", "The complete transaction exceeds the limit of 256 KiB."},
		Fix:     Text{"缩小参数；大文件请存于链下，只把其 SM3 摘要上链。", "Make the arguments smaller; keep large files off the chain and deposit their SM3 digest."},
	},
	{
		Code:    CodeWrongGenesis,
		Message: Text{"交易属于另一条链", "transaction is for another chain"},
		Cause:   Text{"交易所签的创世哈希与本链不同，可能是同名但重新创建的链。", "The genesis hash it was signed for is not this chain's; it may be a re-created chain of the same name."},
		Fix:     Text{"核对所连的链与本地配置中的创世哈希，重新构造并签名。", "Check the chain you are connected to and the genesis hash in your profile, then build and sign it anew."},
	},
	{
		Code:    CodeBadSignature,
		Message: Text{"签名验证失败", "signature does not verify"},
		Cause:   Text{"签名不是由所列签署人的 SM2 密钥对这些字节作出，或交易在途中被改动。", "It was not made over these bytes with the SM2 key of the listed signer, or the transaction was altered on the way."},
		Fix:     Text{"确认使用的密钥属于该成员，用户标识为 1234567812345678，重新签名。", "Make sure that the key belongs to the member and the user id is 1234567812345678, and sign again."},
	},
	{
		Code:    CodeTxExpired,
		Message: Text{"交易已过有效期", "transaction has expired"},
		Cause:   Text{"区块时间已超过交易的 validUntil。", "Block time has passed the transaction's validUntil."},
		Fix:     Text{"确认原交易未上链后，以新的有效期重新构造并签名；同时检查本机时钟。", "Once sure that it was not committed, build and sign it with a new validity; check your clock too."},
	},
	{
		Code:    CodeTxTooFar,
		Message: Text{"有效期过远", "validity lies too far ahead"},
		Cause:   Text{"validUntil 比区块时间超前 5 分钟以上。", "validUntil is more than 5 minutes ahead of block time."},
		Fix:     Text{"缩短有效期；若本机时钟偏快，请先校时。", "Shorten it; if your clock runs ahead, set it first."},
	},
	{
		Code:    CodeTxDuplicate,
		Message: Text{"交易编号已使用", "transaction id is used up"},
		Cause:   Text{"同一交易已经上链；每个编号只生效一次。", "The same transaction is on the chain already; an id takes effect once."},
		Fix:     Text{"按编号查询原交易的结果；若确要再做一次，请构造新交易。", "Ask for its result by id; to do the same again, build a new transaction."},
	},
	{
		Code:    CodeUnknownSender,
		Message: Text{"签署人未在本链登记", "signer is not registered"},
		Cause:   Text{"该地址没有对应的成员，可能尚未登记，或登记交易仍未上链。", "No member has this address: it was never registered, or the registration is not committed yet."},
		Fix:     Text{"首笔交易附上成员证书即可登记；刚登记的请稍候重试。", "Send the member certificate with the first transaction to register; wait a moment after registering."},
		Retry:   true,
	},
	{
		Code:    CodeBadCertificate,
		Message: Text{"证书无效", "certificate is invalid"},
		Cause:   Text{"证书格式、签名算法或主题不符合要求，或其公钥与签署人不符。", "Its form, signature algorithm or subject is not acceptable, or its key is not the signer's."},
		Fix:     Text{"使用本组织 CA 签发的 SM2 证书（huchain cert issue）。", "Use an SM2 certificate issued by your organisation's CA (huchain cert issue)."},
	},
	{
		Code:    CodeCertExpired,
		Message: Text{"证书不在有效期内", "certificate is outside its validity"},
		Cause:   Text{"以区块时间为准，证书尚未生效或已经过期。", "By block time, the certificate is not valid yet or no longer."},
		Fix:     Text{"请组织 CA 续签证书；续签不改变成员身份。", "Have your organisation's CA renew it; renewal keeps the member's identity."},
	},
	{
		Code:    CodeForeignCA,
		Message: Text{"证书不是由本链认可的 CA 签发", "certificate is from a foreign CA"},
		Cause:   Text{"证书的签发者不在本链所登记的该组织根证书之列。", "Its issuer is not among the roots this chain lists for the organisation."},
		Fix:     Text{"使用本链登记的组织 CA 签发的证书；新组织须先经治理加入。", "Use a certificate from a CA listed on this chain; a new organisation has to be admitted first."},
	},
	{
		Code:    CodeIdentityBound,
		Message: Text{"密钥或成员名已被绑定", "key or member name is bound already"},
		Cause:   Text{"该密钥已绑定到另一成员，或该成员名已绑定到另一密钥。", "The key is bound to another member, or the member to another key."},
		Fix:     Text{"为新成员生成新密钥；更换密钥请走续签流程。", "Generate a new key for a new member; replace a key by renewal."},
	},
	{
		Code:    CodeMemberFrozen,
		Message: Text{"成员已被冻结或吊销", "member is frozen or revoked"},
		Cause:   Text{"管理员已在链上冻结或吊销该成员或其组织。", "An administrator froze or revoked the member, or its organisation, on the chain."},
		Fix:     Text{"联系本组织管理员；解冻后可重新提交。", "Ask your organisation's administrator; submit again once it is lifted."},
	},
	{
		Code:    CodePoolFull,
		Message: Text{"待处理交易已满", "transaction pool is full"},
		Cause:   Text{"节点或该签署人的待处理交易达到上限。", "The node, or this signer, has as many pending transactions as allowed."},
		Fix:     Text{"按提示的毫秒数等待后，原样重试。", "Wait as many milliseconds as the hint says and send the same again."},
		Retry:   true,
	},
	{
		Code:    CodeTxKnown,
		Message: Text{"交易已在等待打包", "transaction is pending already"},
		Cause:   Text{"节点已收到同一交易，尚未上链。", "The node holds the same transaction, not committed yet."},
		Fix:     Text{"无需重发；按编号查询结果。", "No need to send it again; ask for its result by id."},
		Retry:   true,
	},
	{
		Code:    CodePermissionDenied,
		Message: Text{"无权执行此操作", "permission denied"},
		Cause:   Text{"签署人的角色或组织不满足该方法的许可规则。", "The signers' roles or organisations do not satisfy the rule of the method."},
		Fix:     Text{"查看合约的许可规则（huchain query contract），由获准的成员签署或会签。", "See the contract's rules (huchain query contract) and have a permitted member sign or co-sign."},
	},
	{
		Code:    CodeBadArguments,
		Message: Text{"调用参数有误", "bad arguments"},
		Cause:   Text{"参数不是合约所声明的 JSON 形式，或某个值超出范围。", "The arguments are not the JSON the method declares, or a value is out of range."},
		Fix:     Text{"对照合约的 schema（huchain query contract）修改参数。", "Compare them with the contract's schema (huchain query contract)."},
	},

	// 3xxx: contracts and the virtual machine
	{
		Code:    CodeUnknownContract,
		Message: Text{"合约不存在", "unknown contract"},
		Cause:   Text{"本链没有该名称的合约。", "There is no contract of that name on this chain."},
		Fix:     Text{"核对名称与所连的链；已部署的合约见 huchain query contract。", "Check the name and the chain; huchain query contract lists what is deployed."},
	},
	{
		Code:    CodeUnknownMethod,
		Message: Text{"方法不存在", "unknown method"},
		Cause:   Text{"合约没有该名称的方法，或它不能从外部调用。", "The contract has no such method, or it cannot be called from outside."},
		Fix:     Text{"用 huchain query contract 查看可调用的方法。", "See the methods with huchain query contract."},
	},
	{
		Code:    CodeContractError,
		Message: Text{"合约拒绝了调用", "contract refused the call"},
		Cause:   Text{"合约按自身规则返回了错误；详情为“合约.错误名”。", "The contract returned an error of its own; the details read contract.name."},
		Fix:     Text{"按合约说明中该错误名的处理办法修改后重新提交。", "Follow what the contract's documentation says about that name and submit anew."},
	},
	{
		Code:    CodeContractFrozen,
		Message: Text{"合约已冻结或吊销", "contract is frozen or revoked"},
		Cause:   Text{"有权的角色已在链上冻结或吊销该合约。", "A permitted role froze or revoked the contract on the chain."},
		Fix:     Text{"等待解冻，或改用后继合约；历史数据仍可查询与证明。", "Wait until it is unfrozen or use its successor; its records can still be read and proven."},
	},
	{
		Code:    CodeReadOnly,
		Message: Text{"只读调用不得改写状态", "read-only call tried to write"},
		Cause:   Text{"查询、或声明为只读的方法，试图写入状态或发出事件。", "A query, or a method declared read-only, tried to write state or emit an event."},
		Fix:     Text{"以交易方式调用该方法，或由合约开发者更正声明。", "Call the method by a transaction, or have the contract's declaration corrected."},
	},
	{
		Code:    CodeReentrancy,
		Message: Text{"不允许重入", "re-entrant call"},
		Cause:   Text{"被调合约又直接或间接调用了正在执行的合约。", "A called contract called back, directly or not, into one that is executing."},
		Fix:     Text{"调整合约之间的调用关系，避免环路。", "Arrange the calls between the contracts without a cycle."},
	},
	{
		Code:    CodeOutOfGas,
		Message: Text{"燃料耗尽", "out of gas"},
		Cause:   Text{"执行所需超过交易的 gas 上限，可能是死循环。", "The execution needs more than the gas limit of the transaction, perhaps an endless loop."},
		Fix:     Text{"提高 gas 上限重新提交；若仍耗尽，请检查合约。", "Submit anew with a higher gas limit; if it runs out again, look at the contract."},
	},
	{
		Code:    CodeTrap,
		Message: Text{"合约异常终止", "contract trapped"},
		Cause:   Text{"合约代码越界、除零、执行了不可达指令，或运行时崩溃。", "The code went out of bounds, divided by zero, reached an unreachable instruction, or panicked."},
		Fix:     Text{"由合约开发者用 testkit 重现并修正。", "Have the contract's developer reproduce it with the testkit and correct it."},
	},
	{
		Code:    CodeStackOverflow,
		Message: Text{"调用栈超限", "stack limit exceeded"},
		Cause:   Text{"合约的递归或嵌套调用过深。", "The contract recurses, or contracts call each other, too deeply."},
		Fix:     Text{"减少递归深度，改为循环。", "Recurse less deeply; use a loop."},
	},
	{
		Code:    CodeMemoryLimit,
		Message: Text{"内存超限", "memory limit exceeded"},
		Cause:   Text{"合约申请的内存超过链参数所定上限。", "The contract asked for more memory than the chain allows."},
		Fix:     Text{"减少一次处理的数据量，分批调用。", "Handle less data per call; split it into several calls."},
	},
	{
		Code:    CodeHostMisuse,
		Message: Text{"宿主函数使用不当", "host function misused"},
		Cause:   Text{"合约向宿主函数传入了越界的地址或无效的值。", "The contract passed a host function an address out of bounds or an invalid value."},
		Fix:     Text{"使用官方合约 SDK 重新构建；自写绑定请对照 ABI 第 1 版。", "Rebuild it with the contract SDK; compare hand-written bindings with ABI version 1."},
	},
	{
		Code:    CodeLimitExceeded,
		Message: Text{"超出单笔交易的限额", "a limit of one transaction is exceeded"},
		Cause:   Text{"键、值、事件、结果或写入数量超过上限。", "A key, value, event, result or the number of writes is over its limit."},
		Fix:     Text{"按详情缩小数据，或分成多笔交易。", "Make the data smaller as the details say, or split it into several transactions."},
	},
	{
		Code:    CodeBlockFull,
		Message: Text{"区块的 gas 已用完", "the block's gas is used up"},
		Cause:   Text{"同一区块中排在前面的交易已用完本区块允许的 gas。", "Transactions ahead in the same block used all the gas a block may use."},
		Fix:     Text{"原样重新提交：交易编号仍未使用。", "Submit it again unchanged: its id is still unused."},
		Retry:   true,
	},
	{
		Code:    CodeModuleRefused,
		Message: Text{"合约代码未通过准入检查", "module refused at admission"},
		Cause:   Text{"WASM 代码使用了不允许的指令或导入，或结构无效。", "The WASM code uses an instruction or import that is not allowed, or is not valid."},
		Fix:     Text{"按详情去除该指令或导入，用 huchain contract check 先行检查。", "Remove what the details name; check beforehand with huchain contract check."},
	},
	{
		Code:    CodePackageInvalid,
		Message: Text{"合约包无效", "contract package is invalid"},
		Cause:   Text{"合约包损坏、过大、缺少文件，或摘要不符。", "The package is damaged, too large, lacks a file, or its digest differs."},
		Fix:     Text{"用 huchain contract build 重新打包，核对摘要。", "Build it again with huchain contract build and compare the digest."},
	},
	{
		Code:    CodeManifestInvalid,
		Message: Text{"合约清单无效", "contract manifest is invalid"},
		Cause:   Text{"清单缺少必填项、含有未知项，或许可规则无法解析。", "The manifest lacks a required entry, holds an unknown one, or a rule cannot be read."},
		Fix:     Text{"按详情修改 bundle.yaml 后重新打包。", "Correct bundle.yaml as the details say and build it again."},
	},
	{
		Code:    CodeResultForm,
		Message: Text{"合约返回值与其声明不符", "the contract's answer does not have the form it declares"},
		Cause:   Text{"合约代码与其 schema.json 不一致，例如由别的工具打包。", "The contract's code and its schema.json disagree, as a package made by other tools may."},
		Fix:     Text{"告知合约发布方，用 huchain contract build 重新打包；需要原始返回值时改用 query 接口。", "Tell its publisher to build it with huchain contract build; the query operation still gives the raw answer."},
	},

	// 4xxx: the ledger and proofs
	{
		Code:    CodeLedgerCorrupt,
		Message: Text{"账本数据已损坏或被改动", "ledger data is damaged or was altered"},
		Cause:   Text{"磁盘上的一行数据与其摘要不符，可能是磁盘故障或有人改动。", "A row on disk does not match its digest: a disk fault, or someone changed it."},
		Fix:     Text{"不要再用此数据目录。停止节点，留存 data/ 备查，清空后启动，由其他节点恢复。", "Stop using this data folder: stop the node, keep data/ for inquiry, empty it and start, so that it recovers from its peers."},
	},
	{
		Code:    CodeLedgerMismatch,
		Message: Text{"账本与本链或本程序不符", "ledger does not belong here"},
		Cause:   Text{"数据目录属于另一条链、其他账本格式，或其根摘要与记录不同。", "The data folder is of another chain or ledger format, or its root differs from the recorded one."},
		Fix:     Text{"核对 --home 与链编号；确属本链而根不同时，按账本损坏处理。", "Check --home and the chain id; if it is the right chain and the root differs, treat it as damaged."},
	},
	{
		Code:    CodeDiskFailure,
		Message: Text{"磁盘读写失败", "disk failure"},
		Cause:   Text{"操作系统报告读写或同步出错。", "The operating system reported an error on reading, writing or syncing."},
		Fix:     Text{"检查磁盘、权限与剩余空间；修复后重新启动，节点会自行补齐。", "Check the disk, permissions and free space; restart after the repair and the node catches up by itself."},
	},
	{
		Code:    CodeHeightUnknown,
		Message: Text{"没有该高度的数据", "height is not available"},
		Cause:   Text{"该高度尚未产生、已归档清理，或仍在等待最终性证书。", "The block does not exist yet, was archived and pruned, or still waits for its finality certificate."},
		Fix:     Text{"查询 huchain query status 所示的高度；更早的数据请到归档中读取。", "Ask for a height that huchain query status shows; older ones are in the archive."},
		Retry:   true,
	},
	{
		Code:    CodeProofInvalid,
		Message: Text{"证明未通过验证", "proof does not verify"},
		Cause:   Text{"证明被改动、属于另一条链，或签署的验证者不足三分之二。", "The proof was altered, is of another chain, or is not signed by more than two thirds of the validators."},
		Fix:     Text{"不要采信。核对所信任的创世哈希与验证者，向另一节点重新索取。", "Do not rely on it. Check the genesis hash and validators you trust, and ask another node."},
	},

	// 5xxx: consensus and network
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

	// 6xxx: keys and certificates on disk
	{
		Code:    CodeKeyFile,
		Message: Text{"密钥文件无法使用", "key file cannot be used"},
		Cause:   Text{"文件不存在、不可读、权限过宽，或不是 SM2 密钥。", "It does not exist, cannot be read, is open to others, or holds no SM2 key."},
		Fix:     Text{"核对路径；权限应为 0600（chmod 600）。", "Check the path; its mode has to be 0600 (chmod 600)."},
	},
	{
		Code:    CodePassphrase,
		Message: Text{"口令不正确", "wrong passphrase"},
		Cause:   Text{"口令与密钥文件不符，或没有提供口令。", "The passphrase does not open the key file, or none was given."},
		Fix:     Text{"重新输入，或以 HUCHAIN_PASSPHRASE_FILE 指定口令文件。", "Enter it again, or name a file in HUCHAIN_PASSPHRASE_FILE."},
	},
	{
		Code:    CodeCertFile,
		Message: Text{"证书文件无法使用", "certificate file cannot be used"},
		Cause:   Text{"文件不存在、不可读，或不是 SM2 证书。", "It does not exist, cannot be read, or holds no SM2 certificate."},
		Fix:     Text{"核对路径，或请组织 CA 重新签发。", "Check the path, or have your organisation's CA issue it again."},
	},
}
