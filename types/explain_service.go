package types

// serviceTable explains codes 45xx to 47xx: file store, mirror and services beside a chain.
var serviceTable = []Explanation{
	{
		Code:    CodeFileMissing,
		Message: Text{"文件库中没有该文件", "the file store does not hold that file"},
		Cause:   Text{"从未存入，存入时中断而未完成，或哈希有误。", "It was never stored, storing it was cut before it was done, or the hash is a wrong one."},
		Fix:     Text{"核对哈希；重新存入同一文件即可，链上的记录不受影响。", "Check the hash; store the same file again, which leaves the record on chain as it is."},
	},
	{
		Code:    CodeFileKey,
		Message: Text{"该密钥无权读取此文件", "this key may not read the file"},
		Cause:   Text{"文件密钥没有加密给所用的公钥，或其包装被改动。", "The file's key is not wrapped to the public key in use, or the wrap was altered."},
		Fix:     Text{"请文件所有者授权给该公钥，或换用已授权的密钥。", "Ask the file's owner to grant it to this public key, or use one that it was granted to."},
	},
	{
		Code:    CodeFileDamaged,
		Message: Text{"文件的所有副本均已损坏或丢失", "no good copy of the file is left"},
		Cause:   Text{"各存储目标上的副本被改动、截断或删除，且无一完好。读出的内容未被采用。", "The copies on all storage targets were altered, cut or deleted. Nothing of it was handed out as good."},
		Fix:     Text{"接回缺失的存储目标后再试；持有原件者可重新存入同一文件。", "Bring missing storage targets back and try again; whoever has the original can store it again."},
	},
	{
		Code:    CodeFileTargets,
		Message: Text{"可用的存储目标不足", "too few storage targets can be used"},
		Cause:   Text{"文件须存于规定数目的目标上才算存入，而可写入的目标不足：不可达、空间已满或拒绝凭证。", "A file counts as stored once it is on as many targets as are set, and fewer can be written: unreachable, full, or the credentials were refused."},
		Fix:     Text{"检查详情所列的目标后重试；未完成的部分会被自动清除。", "Look into the targets that the detail names, and try again; what was half stored is swept away by itself."},
		Retry:   true,
	},
	{
		Code:    CodeFileTooLarge,
		Message: Text{"文件超过大小上限", "the file is larger than the store takes"},
		Cause:   Text{"文件字节数超过文件库设定的上限。", "It has more bytes than the file store's limit."},
		Fix:     Text{"拆分文件，或由运维提高上限；仅存证哈希不受此限。", "Split it, or have the operator raise the limit; depositing its hash alone is not bounded."},
	},
	{
		Code:    CodeFileRemoved,
		Message: Text{"该文件已依令删除", "the file was removed by order"},
		Cause:   Text{"保存期满或依法律文书删除；详情列出依据。链上的哈希仍在。", "Its time of keeping was over, or a legal order demanded it; the detail names the basis. Its hash stays on chain."},
		Fix:     Text{"内容不可恢复；持有原件者仍可凭哈希核验。", "The content does not come back; whoever has the original can still check it against the hash."},
	},
	{
		Code:    CodeFileRetained,
		Message: Text{"尚不能删除该文件", "the file may not be removed yet"},
		Cause:   Text{"只有保存期满或有法律文书时才能删除，并须写明依据与经办人。", "A file is removed when its time of keeping is over or by a legal order, with its reference and who acts."},
		Fix:     Text{"等保存期满，或写明法律文书的编号与经办人。", "Wait until the time is over, or name the legal order and who acts."},
	},
	{
		Code:    CodeFileForeign,
		Message: Text{"存储目标不属于该名称", "the storage target is another's"},
		Cause:   Text{"目标上的标记由另一个文件库签名，或写着另一个名称：配置中的名称与目录对应有误，或磁盘接错。", "The marker on it is signed by another file store, or bears another name: names and folders are mixed up in the configuration, or disks are."},
		Fix:     Text{"在 chain.toml 的 [evidence.targets] 中使名称与目录相符；更换磁盘时使用空目录。", "Make names and folders fit together in [evidence.targets] of chain.toml; a disk that replaces another begins as an empty folder."},
	},

	// 46xx: the mirror in SQL
	{
		Code:    CodeMirrorAbsent,
		Message: Text{"该节点没有镜像库", "this node keeps no mirror"},
		Cause:   Text{"检索、统计与事件订阅由镜像库提供，而该节点未启用。", "Searches, statistics and subscriptions are answered from a mirror in SQL, which this node does not keep."},
		Fix:     Text{"在 node.toml 中设置 mirror.enabled = true 后重启，或改问启用了镜像库的节点。", "Set mirror.enabled = true in node.toml and start the node again, or ask a node that keeps one."},
	},
	{
		Code:    CodeMirrorSource,
		Message: Text{"节点提供的区块与区块头不符", "a node gave blocks that are not those of their headers"},
		Cause:   Text{"详情所指的节点返回的内容与区块头的根不符，或区块头没有验证者的终局签名；镜像库未写入任何内容。", "What the node named in the details gave does not have the roots of the headers, or no validators attest the headers. Nothing of it was written."},
		Fix:     Text{"在该节点上运行 huchain fsck 检查其账本，或为镜像库换一个节点；若本链已由验证者重启（huchain archive restart），用 huchain mirror rebuild 重建镜像库。", "Run huchain fsck on that node, or give the mirror another node. If the chain was restarted by its validators (huchain archive restart), make the mirror anew: huchain mirror rebuild."},
	},
	{
		Code:    CodeMirrorDatabase,
		Message: Text{"镜像数据库不可用", "the database of the mirror fails"},
		Cause:   Text{"数据库无法连接、已满、损坏，或正在被重建。", "The database cannot be reached, is full or damaged, or is being made anew."},
		Fix:     Text{"按详情处理数据库；内容可随时用 huchain mirror rebuild 由链上数据重建。", "See to the database as the details say. All of it can be made anew from the chain: huchain mirror rebuild."},
		Retry:   true,
	},
	{
		Code:    CodeMirrorQuery,
		Message: Text{"检索条件有误", "malformed query of the mirror"},
		Cause:   Text{"条件中的列不在合约的 bundle.yaml 中、运算符或取值与列的类型不符，或游标属于另一个查询。", "A column is not one of the contract's bundle.yaml, an operator or a value does not fit the column's type, or the cursor is of another query."},
		Fix:     Text{"按详情修改；合约有哪些列见 huchain contract schema。", "Correct what the details name; huchain contract schema tells the columns."},
	},
	{
		Code:    CodeMirrorSlow,
		Message: Text{"检索超时", "the query took too long"},
		Cause:   Text{"条件匹配的数据过多，在时限内没有完成。", "It had to look at too much and was ended at its time limit."},
		Fix:     Text{"缩小时间范围，或按 bundle.yaml 中标为 indexed 的列过滤。", "Narrow the span of time, or filter by columns that bundle.yaml marks as indexed."},
		Retry:   true,
	},
	{
		Code:    CodeSubscription,
		Message: Text{"订阅有误", "invalid subscription"},
		Cause:   Text{"订阅的名称、地址或密钥文件不符合要求。", "Name, address or secret of a subscription is not of the right form."},
		Fix:     Text{"按详情修改；用法见 huchain mirror subscribe --help。", "Correct what the details name; see huchain mirror subscribe --help."},
	},

	// 47xx: services beside a chain
	{
		Code:    CodeServiceDatabase,
		Message: Text{"服务数据库无法使用", "a service's database cannot be used"},
		Cause:   Text{"磁盘已满或出错，或文件被占用、损坏。", "The disk is full or fails, or the file is locked or damaged."},
		Fix:     Text{"查看节点日志与磁盘；修复后请求可原样重试。", "Look at the node's log and the disk; the same request can be sent again afterwards."},
		Retry:   true,
	},
	{
		Code:    CodeServiceAbsent,
		Message: Text{"该节点不提供此服务", "this node does not offer the service"},
		Cause:   Text{"服务未在该链的 chain.toml 中启用，或链上未安装所需合约。", "It is not enabled in the chain's chain.toml, or the chain lacks its contract."},
		Fix:     Text{"在 chain.toml 中启用（如 evidence.enabled = true）后重启，或改连提供该服务的节点。", "Enable it in chain.toml (such as evidence.enabled = true) and start the node again, or ask a node that offers it."},
	},
	{
		Code:    CodeNoTenant,
		Message: Text{"调用者不属于任何已开通的用户方", "the caller belongs to no tenant"},
		Cause:   Text{"请求的成员或应用密钥不在任何已开通的用户方名下，或用户方已停用。", "Neither the member nor the application key is a user of a tenant that is open."},
		Fix:     Text{"先提交开通申请（huchain evidence open），或请管理员把该成员加入用户方。", "Apply first (huchain evidence apply), or have an administrator add the member to a tenant."},
	},
	{
		Code:    CodeIdentityRefused,
		Message: Text{"身份核验未通过", "the identity does not hold"},
		Cause:   Text{"该身份或证书在链上不存在、已冻结、吊销、注销或过期，或申请签名与其密钥不符。", "The chain does not know the DID or certificate, or it is frozen, revoked, closed or expired, or the application is not signed by its key."},
		Fix:     Text{"核对身份标识与证书状态（huchain query member），恢复或更换后重试。", "Check the state of the DID or certificate (huchain query member); try again once it is restored or replaced."},
	},
	{
		Code:    CodeOpeningRefused,
		Message: Text{"开通申请不能办理", "the application cannot be granted"},
		Cause:   Text{"申请缺少流程要求的内容、不在该步骤、已办结，或审批人不是该步骤指定的审批人。", "It lacks what the flow requires, is not at that step, is decided already, or this is not the step's approver."},
		Fix:     Text{"查看申请与流程（huchain evidence openings），补全后重新提交，或由指定审批人办理。", "Look at the application and the flow (huchain evidence openings); complete it, or let the step's approver decide."},
	},
	{
		Code:    CodeTemplateViolated,
		Message: Text{"不符合存证模板", "it does not follow its template"},
		Cause:   Text{"缺少必填字段、字段过长或类型不符、出现模板没有的字段，或该模板属于其他用户方。", "A required field is missing, a field is too long, of another type or unknown to the template, or the template is another tenant's."},
		Fix:     Text{"查看模板（huchain evidence template show）并按其填写。", "Look at the template (huchain evidence template show) and fill in what it asks for."},
	},
	{
		Code:    CodeTemplateFixed,
		Message: Text{"模板版本不可更改", "a version of a template never changes"},
		Cause:   Text{"该版本已存在；已使用的模板不能就地修改。", "That version is there already; a template in use is not changed in place."},
		Fix:     Text{"以下一个版本号保存修改。", "Save the change under the next version."},
	},
	{
		Code:    CodeDepositedBefore,
		Message: Text{"该内容已由他方存证", "another party deposited this before"},
		Cause:   Text{"同一哈希只存证一次，首次存证归他方所有。", "A hash is deposited once, and the first deposit is another party's."},
		Fix:     Text{"核验其存证时间；如需共证，请对方授权，或存证带有己方说明的文件。", "Verify when it was deposited; ask that party for a grant, or deposit a document that adds your own statement."},
	},
	{
		Code:    CodeKeyReused,
		Message: Text{"幂等键已用于另一请求", "the idempotence key belongs to another request"},
		Cause:   Text{"同一应用以同一幂等键提交了内容不同的请求。", "The same application sent a request of other content under this key."},
		Fix:     Text{"为新请求使用新的幂等键；重发原请求可取回原回执。", "Use a new key for a new request; the first request sent again gives its receipt."},
	},
	{
		Code:    CodeAnswerRefused,
		Message: Text{"外部机构的回复不可信", "an outside party's answer does not hold"},
		Cause:   Text{"签名无法用其 SM2 证书验证，证书不受信任，或回复针对另一哈希。", "Its signature does not verify under its SM2 certificate, the certificate is not trusted, or it is about another hash."},
		Fix:     Text{"核对 chain.toml 中配置的证书与地址；未链接任何内容。", "Check the certificate and address in chain.toml; nothing was linked."},
	},
	{
		Code:    CodeConnector,
		Message: Text{"对接的外部系统没有应答", "an outside system does not answer"},
		Cause:   Text{"地址错误、网络不通，或对方返回错误。", "Its address is wrong, the network is down, or it answered with an error."},
		Fix:     Text{"核对地址与对方状态；未送达的消息保留在死信中，可重发。", "Check the address and the other side; what could not be delivered is kept and can be sent again."},
		Retry:   true,
	},
	{
		Code:    CodeDepositGivenUp,
		Message: Text{"存证所在的区块已被放弃", "the block that held the deposit was given up"},
		Cause:   Text{"该链由验证者签署决议，自更低的高度重启；重启高度以上的区块已不在链上，其中的存证也随之失去凭据。", "The validators signed to restart the chain above a lower height; what stood in blocks above it is on the chain no more."},
		Fix:     Text{"无需操作：服务会自动重新存证，状态变为“已上链”后请重新下载证书与证明文件。凡载明此交易或区块的旧证书与证明不再有效，请通知持有人。", "Nothing to do: the service deposits it again by itself. Once it is committed take certificate and proof file anew, and tell whoever holds older ones: those that name this transaction or block hold no more."},
	},
}
