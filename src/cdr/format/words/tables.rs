//! The words themselves, by what they mean; the first of a list say it best.

use super::Role;

/// Words whose length in time may or may not hold the ringing.
pub const LOOSE_DURATION: &str = "
    duration durationseconds durationsecs durationsec dur callduration calldur length calllength volume
    seconds secs sec minutes mins quantity usage time calltime sessiontime realsessiontime usedquantity
    duracion dauer duree duracao durata длительность продолжительность sure 时长 通话时长 通话时间
    通话秒数 時長 通話時長 通話時間 持续时间 持续时长 呼叫时长 gesprachsdauer gesprächsdauer thoiluong
";

const CALL_ID: &str = "
    callid sipcallid uniqueid uuid calluuid globalcallidcallid globalcallid flowno cdrid callreference
    callref recordid sessionid acctsessionid conferenceid h323confid historyid callidentifier
    correlationid icid networkcallid id callkey guid 话单流水号 流水号 话单号 话单id 呼叫id 通话id
    呼叫标识 唯一标识 話單號 流水號
";
const CALLER: &str = "
    caller callernumber callerno callerid calleridnumber calleridnum callernum callere164 callingnumber
    callingparty callingpartynumber callingno calling callingstationid callingstation srcnumber srcnum
    src source sourcenumber srcpartyid srcparty srcuser srcpartyidbill origin orignumber
    originatingnumber originator originationnumber ani anumber anum aparty apartynumber apartyno
    asubscriber cli clinumber cld1 from fromnumber fromno fromuser fromuri calledfrom callfrom
    subscriber msisdn calleraccesse164 callerphone phonefrom numbera numeroa clid usernumber 主叫号码
    主叫 主叫号 主叫方 主叫方号码 主叫用户 主叫电话 呼叫号码 呼出号码 主叫e164 主叫接入号码 主叫计费号码
    主叫號碼 主叫號 发话号码 来电号码 主號 origen numeroorigen quelle rufnummera appelant anrufer
    chamador номера звонящий вызывающийномер номерa исходящийномер chiamante arayan
";
const CALLEE: &str = "
    callee calleenumber calleeno calleenum callednumber calledparty calledpartynumber calledno called
    calledstationid calledstation calleee164 destinationnumber destnumber dstnumber dstnum dst destnum
    finalcalledpartynumber originalcalledpartynumber dstpartyid dstparty dstuser dstpartyidbill
    terminatingnumber terminationnumber dnis bnumber bnum bparty bpartynumber bpartyno cld cldnumber
    dialednumber dialednum dialed dialledno dialleddigits dialeddigits dialno dialnumber diallednumber
    to tonumber tono touser touri calledto callto phone phonenumber number calleeaccesse164 calleephone
    phoneto numberb numerob dest destination target ruri 被叫号码 被叫 被叫号 被叫方 被叫方号码 被叫用户
    被叫电话 目的号码 目标号码 被叫e164 被叫接入号码 被叫计费号码 被叫號碼 被叫號 受话号码 拨打号码
    去电号码 对方号码 destino numerodestino ziel zielrufnummer rufnummerb appele appelé angerufener
    destinatario номерb номерб вызываемыйномер номерназначения aranan soden
";
const START: &str = "
    starttime start startdatetime starttimestamp startstamp startdate callstart callstarttime
    callstartdatetime setuptime setup setupdatetime begintime begin starttimeutc startuepoch startepoch
    timestart invitetime datetimeorigination originationtime initiated created createdat createdtime
    calldate calldatetime calltime datetime datumzeit datetimeofcall calltimestamp eventtime timestamp
    date time datehour seizuretime seizure attempttime 通话开始时间 开始时间 起始时间 呼叫开始时间
    呼叫时间 通话起始时间 开始通话时间 拨打时间 发起时间 起呼时间 主叫时间 开始日期 通话日期 时间
    日期时间 日期 開始時間 通話開始時間 起始時間 呼叫時間 时间戳 呼叫起始时间 fechahora fechainicio
    fecha inicio data hora ora heure uhrzeit zeit godzina saat horainicio beginn startzeit anfang datum debut début dateheure datahora dataora inizio
    датавремя дата времяначала начало датаивремя tarih baslangic
";
const ANSWER: &str = "
    answertime answer answered answerstamp answerdatetime answertimestamp answeredtime answeredat
    timeanswered answeruepoch answerepoch answerdate connecttime connect connectdatetime connected
    connectedtime connecttimestamp datetimeconnect connectiontime pickuptime establishtime established
    establishedtime alerttime2 应答时间 接通时间 接听时间 通话应答时间 通话接通时间 摘机时间 應答時間
    接通時間 接聽時間 horarespuesta verbunden времяответа ответ
";
const END: &str = "
    endtime end enddatetime endtimestamp endstamp enddate callend callendtime callenddatetime enduepoch
    endepoch timeend stoptime stop stopdatetime disconnecttime disconnect disconnectdatetime
    datetimedisconnect disconnecttimestamp disconnectiontime releasetime release releasedatetime
    hanguptime hangup hangupstamp finishtime finish finished terminationtime terminatetime endedat
    cleartime 通话结束时间 结束时间 挂断时间 挂机时间 终止时间 释放时间 呼叫结束时间 通话终止时间
    停止时间 拆线时间 結束時間 通話結束時間 掛斷時間 fechafin fin horafin ende endzeit времяокончания
    окончание конец fim fine bitis
";
const TALK: &str = "
    billmsec billusec msduration billsec billsecs billseconds talktime talkduration talkseconds talksec
    talk holdtime conversationtime conversation conversationduration conversationseconds connectduration
    connectedduration connectedseconds answeredduration answerduration durationanswered billablesec
    billableseconds billabletime billableduration netduration effectiveduration speechtime 通话时长秒
    接通时长 实际时长 实际通话时长 通话持续时间 应答时长 有效时长 净时长 gesprächszeit
";
const TOTAL: &str = "
    totalduration durationtotal totaltime totalseconds totalsec elapsed elapsedtime calltotaltime
    fullduration grossduration overallduration sessionduration 总时长 总通话时长 呼叫总时长 总时间
    總時長
";
const RING: &str = "
    ring ringtime ringduration ringsec ringseconds ringing ringingtime waittime waitsec progressduration
    setuptime setupduration timetoanswer 振铃时长 振铃时间 振铃 等待时长 响铃时长 振鈴時長
";
const BILLED: &str = "
    billedseconds billed billedsec billedsecs billedduration billedtime billedminutes billedmin
    billedmins billedvolume volumebilled feetime chargedseconds chargedsec chargedtime chargedduration
    chargeduration chargetime chargedquantity chargedminutes chargeableduration chargeabletime
    chargeableseconds billingduration billingtime billingseconds billduration billtime billedunits
    roundedduration roundedseconds ratedduration ratedseconds userbillsec providerbillsec
    invoicedseconds invoicedduration payseconds 计费时长 计费时间 计费秒数 计费秒 收费时长 结算时长
    计费分钟 计费分钟数 話費時長 計費時長 duracionfacturada abgerechnetesekunden
    тарифицируемаядлительность
";
const RATE: &str = "
    rate rateperminute ratepermin rateminute ratemin priceperminute pricepermin priceminute minuteprice
    minuterate unitprice callrate userrate sellrate customerrate saleprice tariff tariffrate buyrate
    providerrate vendorrate costrate billrate perminute ppm price 费率 单价 资费 每分钟费率 费率元分钟
    费率分钟 每分钟价格 價格 費率 單價 tarifa tarif minutenpreis preisprominute preis тариф ставка цена
    tariffa
";
const AMOUNT: &str = "
    amount chargedamount billedamount amountcharged totalamount netamount charge charges totalcharge
    callcharge callcost cost totalcost calculatedcost fee billcost sessionbill userprice revenue sum
    total value charged sell sale sellamount salecost customercost customercharge price callprice
    totalprice providerprice vendorcost buycost payable 结算费用 费用 话费 金额 通话费用 通话费 计费金额
    总费用 计费费用 扣费金额 扣费 消费金额 应收金额 应付金额 总金额 收费金额 资费金额 通話費用 金額 費用
    話費 落地成本 importe coste costo betrag kosten montant cout coût valor custo importo сумма
    стоимость tutar ucret
";
const CURRENCY: &str = "
    currency currencycode curr ccy currencyiso 币种 货币 币别 貨幣 幣別 moneda waehrung währung devise
    moeda valuta валюта
";
const GATEWAY: &str = "
    gateway gatewayid gatewayname gw trunk trunkname trunkid trunkgroup calleegatewayid
    calleegatewayh323id outgoinggateway egressgateway egresstrunk outtrunk outgoingtrunk termgateway
    terminationgateway termtrunk dstgateway destgateway route carrier provider vendor supplier
    destdevicename egress peer dstgw outgw 落地网关 被叫网关 出局网关 出中继 网关 网关名称 中继 中继组
    线路 通道 路由 网关名 落地網關 網關 callergatewayid ingressgateway ingresstrunk incominggateway
    origgateway 对接网关 主叫网关 шлюз транк
";
const ACCOUNT: &str = "
    account accountcode accountid accountname customeraccount accountnumber acct customer customername
    customerid client clientid clientname user userid username iaccount 对账账户 账户 账号 帐户 帐号
    客户账号 客户 客户名称 账户名称 结算账户 計費帳戶 帳戶 帳號 cuenta konto клиент
";
const DISPOSITION: &str = "
    disposition callstatus status callresult result answerindicator calldisposition sipcode responsecode
    sipresponse sipresponsecode 通话状态 呼叫状态 状态 呼叫结果 通话结果 狀態 estado статус
";
const RECORD_KIND: &str = "
    recordtype cdrtype typeofrecord recordkind partial partialindicator 话单类型 記錄類型 记录类型
";

pub(super) const TABLES: &[(Role, &str)] = &[
    (Role::CallId, CALL_ID),
    (Role::Caller, CALLER),
    (Role::Callee, CALLEE),
    (Role::Start, START),
    (Role::Answer, ANSWER),
    (Role::End, END),
    (Role::Talk, TALK),
    (Role::Total, TOTAL),
    (Role::Ring, RING),
    (Role::Billed, BILLED),
    (Role::Rate, RATE),
    (Role::Amount, AMOUNT),
    (Role::Currency, CURRENCY),
    (Role::Gateway, GATEWAY),
    (Role::Account, ACCOUNT),
    (Role::Disposition, DISPOSITION),
    (Role::RecordKind, RECORD_KIND),
];
