//! Who does what: R1 to R20.

named! {
    /// A part that people play in the procedure (R1 to R20); a person may play several.
    Role {
        /// R1: accepts, determines, tests, configures, reports to carriers.
        Technician = "technician", "Technician", "技术员";
        /// R2: compares bills, mends servers, stops lines, reviews tests.
        TechnicalManager = "technical_manager", "Technical manager", "技术经理";
        /// R5: reconciles with the customer, dispatches, checks remittances, recharges.
        Finance = "finance", "Finance", "财务人员";
        /// R6: takes the customer's contact in and tells the result.
        Intake = "intake", "Intake person", "受理人员";
        /// R7: takes unrepaired hardware, negotiates with the customer.
        Business = "business", "Business department", "商务部";
        /// R8: negotiates with the carrier of a landing line.
        Procurement = "procurement", "Procurement", "采购部门";
        /// R11: registers, tells progress daily, archives.
        Agent = "agent", "Customer service agent", "客服专员";
        /// R12: classifies, assigns, co-ordinates, receives what is overdue.
        Supervisor = "supervisor", "Customer service supervisor", "客服主管";
        /// R13: works at the customer's.
        Engineer = "engineer", "Technical engineer", "技术工程师";
        /// R13: knows the product.
        ProductSpecialist = "product_specialist", "Product specialist", "产品专员";
        /// R14: calls after the service.
        FollowUpAgent = "follow_up_agent", "Follow-up agent", "回访专员";
        /// R14: data of the month, improvement.
        ServiceManager = "service_manager", "Customer service manager", "客服经理";
        /// R16, R17: leads a complaint on every level.
        ComplaintSpecialist = "complaint_specialist", "Complaint specialist", "客服投诉专员";
        /// Mission.md section 9, yellow: leads the shift.
        ShiftLead = "shift_lead", "Shift lead", "值班组长";
        /// R18: works on what is dispatched to the department.
        DepartmentMember = "department_member", "Related business department", "相关业务部门";
        /// R19: supervises orange and above.
        QualityManager = "quality_manager", "Quality monitoring manager", "客服质量监控经理";
        /// R20: supervises red and above.
        ServiceHead = "service_head", "Head of customer service", "客户服务部负责人";
        /// Mission.md section 9: supervises what is above red.
        Management = "management", "Company management", "公司管理层";
    }
}

impl Role {
    /// Whether who has this role may answer in place of the other: the other's superior, or one who takes in.
    #[must_use]
    pub const fn stands_in_for(self, other: Self) -> bool {
        use Role::{Agent, ComplaintSpecialist, Engineer, Intake, Supervisor, TechnicalManager, Technician};
        match other {
            Technician => matches!(self, Technician | Engineer | TechnicalManager),
            // Whoever takes the customer's contact in is the intake person.
            Intake => matches!(
                self,
                Intake | Agent | Supervisor | ComplaintSpecialist | Technician | TechnicalManager
            ),
            _ => self as u8 == other as u8,
        }
    }
}
