package types

// Every error of the platform. Numbers are never reused; add at the end of a group.
const (
	CodeOK Code = 0

	// 1xxx: commands, configuration, the node as a process
	CodeInternal        Code = 1001
	CodeUsage           Code = 1002
	CodeNotFound        Code = 1003
	CodeConfig          Code = 1004
	CodeHomeLocked      Code = 1005
	CodePortTaken       Code = 1006
	CodeDiskLow         Code = 1007
	CodeUnreachable     Code = 1008
	CodeOutcomeUnknown  Code = 1009
	CodeStarting        Code = 1010
	CodeAlreadyExists   Code = 1011
	CodeToolMissing     Code = 1012
	CodeRequestTooLarge Code = 1013
	CodeFellBehind      Code = 1014
	CodeRateLimited     Code = 1015
	CodeLoginRequired   Code = 1016
	CodeAuditBroken     Code = 1017
	CodeLoginProvider   Code = 1018

	// 2xxx: transactions and identity
	CodeTxMalformed      Code = 2101
	CodeTxTooLarge       Code = 2102
	CodeWrongGenesis     Code = 2103
	CodeBadSignature     Code = 2104
	CodeTxExpired        Code = 2105
	CodeTxTooFar         Code = 2106
	CodeTxDuplicate      Code = 2107
	CodeUnknownSender    Code = 2108
	CodeBadCertificate   Code = 2109
	CodeCertExpired      Code = 2110
	CodeForeignCA        Code = 2111
	CodeIdentityBound    Code = 2112
	CodeMemberFrozen     Code = 2113
	CodePoolFull         Code = 2114
	CodeTxKnown          Code = 2115
	CodeCertRevoked      Code = 2116
	CodePermissionDenied Code = 2201
	CodeBadArguments     Code = 2202
	CodeProposalClosed   Code = 2203
	CodeBadEndorsement   Code = 2204
	CodeValidatorRefused Code = 2205
	CodeBlacklisted      Code = 2301
	CodeRuleRefused      Code = 2302
	CodeRuleInvalid      Code = 2303
	CodeRuleFailed       Code = 2304

	// 3xxx: contracts and the virtual machine
	CodeUnknownContract Code = 3101
	CodeUnknownMethod   Code = 3102
	CodeContractError   Code = 3103
	CodeContractFrozen  Code = 3104
	CodeReadOnly        Code = 3105
	CodeReentrancy      Code = 3106
	CodeOutOfGas        Code = 3201
	CodeTrap            Code = 3202
	CodeStackOverflow   Code = 3203
	CodeMemoryLimit     Code = 3204
	CodeHostMisuse      Code = 3205
	CodeLimitExceeded   Code = 3206
	CodeBlockFull       Code = 3207
	CodeModuleRefused   Code = 3301
	CodePackageInvalid  Code = 3302
	CodeManifestInvalid Code = 3303
	CodeResultForm      Code = 3304
	CodeContractInUse   Code = 3305

	// 4xxx: the ledger and proofs
	CodeLedgerCorrupt  Code = 4101
	CodeLedgerMismatch Code = 4102
	CodeDiskFailure    Code = 4103
	CodeHeightUnknown  Code = 4104
	CodeProofInvalid   Code = 4201
	CodeTrustGap       Code = 4202
	CodeFork           Code = 4203

	// 42xx: certificates of what is proven
	CodeCertificateAltered Code = 4204

	// 42xx: blocks that a restart gave up
	CodeBlockGivenUp Code = 4205

	// 43xx: snapshots
	CodeSnapshotInvalid     Code = 4301
	CodeSnapshotUnavailable Code = 4302

	// 44xx: the archive
	CodeArchiveConflict Code = 4401
	CodeArchiveMissing  Code = 4402
	CodeArchiveKey      Code = 4403
	CodeArchiveTarget   Code = 4404
	CodeBackupDamaged   Code = 4405
	CodeArchiveEmpty    Code = 4406
	CodeTargetRefused   Code = 4407
	CodeTargetFull      Code = 4408

	// 45xx: the file store of services
	CodeFileMissing  Code = 4501
	CodeFileKey      Code = 4502
	CodeFileDamaged  Code = 4503
	CodeFileTargets  Code = 4504
	CodeFileTooLarge Code = 4505
	CodeFileRemoved  Code = 4506
	CodeFileRetained Code = 4507
	CodeFileForeign  Code = 4508

	// 46xx: the mirror in SQL
	CodeMirrorAbsent   Code = 4601
	CodeMirrorSource   Code = 4602
	CodeMirrorDatabase Code = 4603
	CodeMirrorQuery    Code = 4604
	CodeMirrorSlow     Code = 4605
	CodeSubscription   Code = 4606

	// 47xx: services beside a chain
	CodeServiceDatabase  Code = 4701
	CodeServiceAbsent    Code = 4702
	CodeNoTenant         Code = 4703
	CodeIdentityRefused  Code = 4704
	CodeOpeningRefused   Code = 4705
	CodeTemplateViolated Code = 4706
	CodeTemplateFixed    Code = 4707
	CodeDepositedBefore  Code = 4708
	CodeKeyReused        Code = 4709
	CodeAnswerRefused    Code = 4710
	CodeConnector        Code = 4711
	CodeDepositGivenUp   Code = 4712

	// 5xxx: consensus and network
	CodeNotReady        Code = 5101
	CodeGenesisInvalid  Code = 5102
	CodeProtocolUnknown Code = 5103

	// 51xx: founding and hosting of chains
	CodeFoundingUnsigned Code = 5104
	CodeChainStopped     Code = 5105
	CodeChainReadOnly    Code = 5106
	CodeRestartRefused   Code = 5107

	// 6xxx: keys and certificates on disk
	CodeKeyFile    Code = 6101
	CodePassphrase Code = 6102
	CodeCertFile   Code = 6103

	// 61xx: signers in another process or device
	CodeSigner       Code = 6104
	CodeVoteRefused  Code = 6105
	CodeVotesMissing Code = 6106
)
