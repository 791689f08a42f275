package types

// keyTable explains codes 6xxx: keys and certificates on disk.
var keyTable = []Explanation{
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
	{
		Code:    CodeSigner,
		Message: Text{"签名器无法使用", "signer cannot be used"},
		Cause:   Text{"远程签名进程或密码设备未运行、无法连接，或持有的不是本节点的密钥。", "The signing process or device is not running, cannot be reached, or holds other keys than this validator's."},
		Fix:     Text{"启动签名进程（huchain key serve）并核对 chain.toml 中 keys.signer 的地址与证书；节点会自动重连，期间只跟随不投票。", "Start the signing process (huchain key serve) and check address and certificates of keys.signer in chain.toml; the node connects again by itself, and follows without voting meanwhile."},
		Retry:   true,
	},
	{
		Code:    CodeVoteRefused,
		Message: Text{"签名器拒绝签名", "signer refuses to sign"},
		Cause:   Text{"所请求的投票或区块头与已签过的相矛盾、比它更旧，或属于另一条链。", "The vote or header contradicts what was signed before, is older than that, or is of another chain."},
		Fix:     Text{"确认同一密钥只由一个验证节点使用；切勿删除或恢复 vote.json 与 header.json。", "Make sure that one validator alone runs with this key; never delete or restore vote.json and header.json."},
	},
	{
		Code:    CodeVotesMissing,
		Message: Text{"缺少投票状态", "the vote state is missing"},
		Cause: Text{"密钥目录中没有 vote.json（链重启之后为 vote-<决议>.json），或只有 header-<决议>.json：无从得知这些密钥已签过什么，从头开始可能对同一高度签两次。",
			"vote.json is not in the folder of the keys (after a restart of the chain vote-<act>.json), or only header-<act>.json is: nothing else tells what they signed, and beginning anew could sign twice at one height."},
		Fix: Text{"把该文件从密钥原来的位置移来，切勿使用旧副本。链刚重启且这些密钥此后从未签名的，以 huchain key serve --restart … --begin-votes 启动一次。确已丢失的，把密钥移回节点的 keys 目录：节点先跟随而不投票，待安全后重建该文件。",
			"Move the file here from where the keys were, and never use an older copy. If the chain was just restarted and these keys signed nothing since, start once with huchain key serve --restart ... --begin-votes. If it is lost, move the keys back into the node's keys folder: it follows without voting until that is safe, and makes the file anew."},
	},
}
