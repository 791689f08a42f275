package types

// contractTable explains codes 3xxx: contracts and the virtual machine.
var contractTable = []Explanation{
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
	{
		Code:    CodeContractInUse,
		Message: Text{"其他合约正在使用该合约", "other contracts use this contract"},
		Cause:   Text{"吊销该合约或改变其主版本，会使使用它的合约失效。", "Revoking it, or changing its major version, would break the contracts that use it."},
		Fix:     Text{"先吊销或升级详情所列的合约，或保持主版本不变。", "Revoke or upgrade the contract that the details name first, or keep the major version."},
	},
}
