//! What the words in a tree's file mean.

named! {
    /// What a node is.
    NodeKind {
        /// It is decided which way it goes on.
        Question = "question", "Question", "判断";
        /// Something is done.
        Action = "action", "Action", "处理";
        /// The walk ends.
        Outcome = "outcome", "Outcome", "结果";
    }
}

named! {
    /// How a walk ends.
    Outcome {
        /// The trouble is settled.
        Result = "result", "Settled", "已解决";
        /// Another department has it.
        Transferred = "transferred", "Transferred", "已转交";
        /// It is recorded, the owner owes a reply within 24 hours (R22).
        OwnerReplies = "owner_replies", "Recorded, the owner replies", "已记录，待责任人回复";
        /// The account is topped up (R66).
        Credited = "credited", "Credited", "已加款";
        /// The remittance did not come (R66).
        NotReceived = "not_received", "Remittance not received", "汇款未到账";
    }
}

named! {
    /// Whether something stands in the operator's flow chart.
    Source {
        /// It does.
        Stands = "E", "stands in the flow chart", "流程图原文";
        /// Inferred: the chart's arrow is lost.
        Inferred = "I", "inferred", "推断";
        /// Proposed.
        Proposed = "P", "proposed", "建议";
    }
}

named! {
    /// What of Linesman can answer a node.
    Measurement {
        /// The duty roster (R22).
        DutyRoster = "duty_roster", "Duty roster", "值班表";
        /// A comparison of call records (R58).
        Reconciliation = "reconciliation", "Reconciliation of the bills", "账单比对";
        /// Probes of the customer's access line.
        CustomerAccess = "customer_access", "Measurement of the customer's access", "客户接入测量";
        /// Probes of servers and their services.
        ServerState = "server_state", "Measurement of server state", "服务器状态测量";
        /// Readings of servers' resources.
        ServerResources = "server_resources", "Readings of server resources", "服务器资源读数";
        /// Probes of routers and switches.
        NetworkDevice = "network_device", "Measurement of network devices", "网络设备测量";
        /// Probes over the fibre to the carrier's machine room.
        Fibre = "fibre", "Measurement of the fibre", "光纤测量";
        /// The inventory: whose the gateway is (R62).
        GatewayOwner = "gateway_owner", "Inventory: owner of the gateway", "资产：网关归属";
        /// Whether the gateway is registered.
        GatewayRegistration = "gateway_registration", "Registration of the gateway", "网关注册状态";
        /// Whether the gateway answers, restarts, sends what it should.
        GatewayState = "gateway_state", "Measurement of the gateway", "网关测量";
        /// Loss, jitter and MOS of calls.
        VoiceQuality = "voice_quality", "Measurement of voice quality", "语音质量测量";
        /// Test calls over the landing line.
        LandingLine = "landing_line", "Measurement of the landing line", "落地线路测量";
    }
}

named! {
    /// What the daemon does when a node is answered. The trees ask for it; who does it checks its own guards.
    Effect {
        /// Hand over to the department or person on duty (R22).
        Transfer = "transfer", "Transfer", "转交";
        /// Start the owner's clock of 24 hours (R22, R69).
        OwnerReplyClock = "owner_reply_clock", "Start the owner's 24 hours", "启动责任人24小时时限";
        /// Make a dispatch order or task (R40, R105).
        Dispatch = "dispatch", "Dispatch", "派工";
        /// Credit the account (R66).
        Recharge = "recharge", "Credit the account", "加款";
        /// Tell the customer.
        TellCustomer = "tell_customer", "Tell the customer", "通知客户";
        /// Report to the carrier and supervise (R61).
        ReportCarrier = "report_carrier", "Report to the carrier", "报运营商";
        /// Take a line out of service (R63).
        RouteStop = "route_stop", "Stop the line", "停用线路";
        /// Move the customer to another line (R63).
        RouteDivert = "route_divert", "Move to another line", "切换线路";
        /// Take a line into service again (R63).
        RouteRestore = "route_restore", "Restore the line", "恢复线路";
        /// Bring it before the next superior.
        Escalate = "escalate", "Escalate", "升级";
        /// Draft an article from the solution (R108).
        KnowledgeDraft = "knowledge_draft", "Draft an article", "起草知识库条目";
    }
}
