//! The forms by name.

named! {
    /// A form of R38 to R47, with its original title; those of R63 and R89 are ours.
    FormId {
        /// R38.
        ComplaintHandling = "complaint_handling", "Complaint handling form", "客户投诉处理表";
        /// R39.
        Recharge = "recharge", "Recharge form", "加款单";
        /// R40.
        DispatchOrder = "dispatch_order", "Dispatch order", "派工单";
        /// R41.
        ServerMaintenance = "server_maintenance", "Server maintenance record", "服务器维护记录";
        /// R42.
        CarrierRepair = "carrier_repair", "Carrier repair record", "运营商维修记录";
        /// R43.
        Registration = "registration", "Customer service registration", "客户服务信息登记表";
        /// R89.
        ServicePreparation = "service_preparation", "Preparation of a service", "服务准备记录";
        /// R44.
        ServiceProcess = "service_process", "Service process record", "服务过程记录表";
        /// R45.
        ResultConfirmation = "result_confirmation", "Service result confirmation", "服务结果确认表";
        /// R46.
        Survey = "survey", "Customer satisfaction survey", "客户满意度调研表";
        /// R47.
        EscalatedComplaint = "escalated_complaint", "Escalated complaint record", "升级投诉记录";
        /// R63.
        RouteAction = "route_action", "Record of a line stopped, diverted or restored", "线路停用切换恢复审批单";
    }
}
