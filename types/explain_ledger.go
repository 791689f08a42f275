package types

// ledgerTable explains codes 40xx to 44xx: the ledger, proofs, snapshots and the archive.
var ledgerTable = []Explanation{
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
	{
		Code:    CodeTrustGap,
		Message: Text{"与所信任的验证者衔接不上", "too few trusted validators signed this header"},
		Cause: Text{"自信任点以来验证者更换过多，签署该区块头的旧验证者不足三分之一。",
			"So many validators were replaced since the anchor that a third or less of the trusted ones signed."},
		Fix: Text{"取得其间验证者更换高度的区块头，或用较新的信任点。", "Fetch the headers at which validators changed in between, or start from a younger anchor."},
	},
	{
		Code:    CodeFork,
		Message: Text{"同一高度有两个被证明的区块头", "two attested headers contradict each other"},
		Cause: Text{"超过三分之一的验证者签署了互相矛盾的区块头，或信任点不属于本链。",
			"More than a third of the validators signed headers that contradict each other, or the anchor is not of this chain."},
		Fix: Text{"停止采信该链，保留两个区块头作为证据，通知各机构。", "Stop relying on the chain, keep both headers as evidence, and tell the organisations."},
	},

	{
		Code:    CodeCertificateAltered,
		Message: Text{"证书不可采信", "the certificate does not hold"},
		Cause: Text{"文件被改动或截断，所载与所附证明不符，签名或时间戳无效，或签发者并非链上成员；详情指明何处。",
			"The file was altered or cut, what it prints differs from the proof attached, its signature or time stamp is invalid, or whoever signed it is no member of the chain; the detail says which."},
		Fix: Text{"不要采信该文件。向出证方索取原件，或凭文件哈希直接查询链上存证。", "Do not rely on it. Get the original from the issuer, or look the evidence up on chain by the file's hash."},
	},
	{
		Code:    CodeBlockGivenUp,
		Message: Text{"所依据的区块已被放弃", "the block that this rests on was given up"},
		Cause:   Text{"该链由验证者签署决议，自更低的高度重启；此证明或锚点属于被放弃的区块。", "The validators signed to restart the chain above a lower height; this proof or anchor is of the blocks that were given up."},
		Fix:     Text{"以创世文件或重启高度及以下的区块头为锚点，重新取得证明；被放弃区块中的交易需重新提交。", "Trust the genesis file, or a header at or below the height of the restart, and get the proof anew; what was in the blocks given up has to be submitted again."},
	},

	// 43xx: snapshots
	{
		Code:    CodeSnapshotInvalid,
		Message: Text{"快照无效", "snapshot is not valid"},
		Cause:   Text{"快照的清单、分块或锚点被损坏、被改动，或属于另一条链：它与所信任的区块头不符。", "Its manifest, a chunk or its anchor is damaged, was altered or is of another chain: it does not lead to a trusted header."},
		Fix:     Text{"不要使用它。删除后从另一节点复制，或由本节点重新制作。", "Do not use it. Delete it and copy it from another node, or have it made again."},
	},
	{
		Code:    CodeSnapshotUnavailable,
		Message: Text{"现在不能制作或使用快照", "no snapshot can be made or used now"},
		Cause:   Text{"正在制作另一个快照；本节点尚未保存最近五分钟的区块；或快照的高度尚无终局证书。", "Another one is being made, the blocks of the last five minutes are not kept here yet, or its height has no finality certificate yet."},
		Fix:     Text{"稍后再试。从快照加入的节点五分钟后即可制作。", "Try again later. A node that joined by snapshot can make one after five minutes."},
		Retry:   true,
	},

	// 44xx: the archive
	{
		Code:    CodeArchiveConflict,
		Message: Text{"归档位置已有同名但内容不同的文件", "the archive holds other content under that name"},
		Cause:   Text{"两条链或两次归档使用了同一目标，或目标中的文件已被改动。", "Two chains use one target, or a file was altered there."},
		Fix:     Text{"为该链另设目标或前缀；用 huchain archive verify 找出被改动的文件，从其他节点的归档取回。", "Give the chain a target or prefix of its own; find altered files with huchain archive verify and fetch them from another node's archive."},
	},
	{
		Code:    CodeArchiveMissing,
		Message: Text{"归档位置没有该文件", "the archive does not hold that file"},
		Cause:   Text{"文件被移走、尚未上传，或目标设置有误。", "It was moved away, is not uploaded yet, or the target is a wrong one."},
		Fix:     Text{"核对目标设置；从其他节点的归档复制同名文件即可，其内容可凭链上根值核对。", "Check the target; a file of that name from another node's archive will do, since the root on chain proves it."},
	},

	{
		Code:    CodeArchiveKey,
		Message: Text{"无法解密该归档", "the archived segment cannot be decrypted"},
		Cause:   Text{"该分段没有为所用的密钥加密，密钥文件有误，或本节点未设置归档密钥。", "It is not encrypted to the key in use, the key file is a wrong one, or this node has no archive key."},
		Fix:     Text{"在 chain.toml 的 archive.keyFile（备份为 backup.keyFile）中指定正确的密钥；持有者可用 huchain archive rewrap 把密钥转给新的公钥。", "Name the right key as archive.keyFile, or backup.keyFile, in chain.toml; whoever has it can give segments to another public key with huchain archive rewrap."},
	},
	{
		Code:    CodeArchiveTarget,
		Message: Text{"归档目标无法访问", "the archive target cannot be used"},
		Cause:   Text{"目录或对象存储不可达、没有应答、存储桶不存在，或传输中断。账本中的数据没有被删除。", "The folder or store cannot be reached or does not answer, its bucket does not exist, or the transfer was cut. Nothing was deleted from the ledger."},
		Fix:     Text{"检查挂载、地址、网络与存储桶后重试；归档会从中断处继续。", "Check mount, address, network and bucket, and try again: archiving goes on where it stopped."},
		Retry:   true,
	},
	{
		Code:    CodeBackupDamaged,
		Message: Text{"备份已损坏", "the backup is damaged"},
		Cause:   Text{"备份中的文件被改动、截断或缺失；详情指明是哪个文件、从哪个字节起。", "A file of it was altered or cut; the detail names the file and from which byte on."},
		Fix:     Text{"不要从它恢复。改用另一份备份（huchain backup list），并检查存放位置。", "Do not restore from it. Use another one (huchain backup list) and look into the place where it is kept."},
	},
	{
		Code:    CodeArchiveEmpty,
		Message: Text{"尚无已归档的分段", "nothing is archived yet"},
		Cause:   Text{"本节点的归档目录中还没有分段：链不足 1,024 个区块，按策略尚未到期，或从未运行过归档。没有检查或更改任何内容。", "This node's catalogue of the archive holds no segment: the chain has less than 1,024 blocks, none is due by its policy, or archiving never ran. Nothing was checked or changed."},
		Fix:     Text{"huchain archive plan 显示何时到期；huchain archive run 归档已到期的分段，并认领其他节点已存入的分段。", "huchain archive plan shows what is due; huchain archive run archives it, and adopts what other nodes have stored."},
	},
	{
		Code:    CodeTargetRefused,
		Message: Text{"归档目标拒绝访问", "the archive target refuses"},
		Cause:   Text{"凭证有误，或这些凭证、运行节点的用户无权列出、读取或写入；也可能文件系统为只读。", "The credentials are wrong, or they, or the user that runs the node, may not list, read or write there; or the file system is read-only."},
		Fix:     Text{"核对凭证文件与访问策略：需要列出、读取、写入（含中止分段上传），不需要删除；目录应属于运行节点的用户。", "Check the credentials and the store's policy: listing, reading and writing are needed, with the ending of multipart uploads, and no deleting; a folder belongs to the user that runs the node."},
	},
	{
		Code:    CodeTargetFull,
		Message: Text{"归档目标空间已满", "the archive target is full"},
		Cause:   Text{"磁盘没有剩余空间，或已达到配额。账本中的数据没有被删除。", "The disk has no room left, or a quota is used up. Nothing was deleted from the ledger."},
		Fix:     Text{"扩充容量或提高配额；归档会从中断处继续。", "Add room or raise the quota: archiving goes on where it stopped."},
		Retry:   true,
	},
}
