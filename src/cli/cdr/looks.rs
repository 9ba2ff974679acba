//! What a file of records looks like, as flags: one a side for each thing that may have to be said.

/// Declares one flag a side for what may have to be said of a file, and hands the values on by name.
macro_rules! looks {
    ($($(#[$help:meta])+ $flag:literal $ours:ident $theirs:ident $value:literal),+ $(,)?) => {
        /// What a file looks like, where it cannot be found out.
        #[derive(Debug, clap::Args)]
        #[command(next_help_heading = "What the files look like (found out unless stated)")]
        pub struct Looks {
            /// Format of our file: a name of `linesman cdr presets`, or a TOML file
            #[arg(long, value_name = "PRESET")]
            pub ours_format: Option<String>,
            /// As --ours-format
            #[arg(long, value_name = "PRESET")]
            pub theirs_format: Option<String>,
            $(
                $(#[$help])+
                #[arg(long = concat!("ours-", $flag), value_name = $value, allow_hyphen_values = true)]
                $ours: Option<String>,
                #[doc = concat!("As --ours-", $flag)]
                #[arg(long = concat!("theirs-", $flag), value_name = $value, allow_hyphen_values = true)]
                $theirs: Option<String>,
            )+
        }

        impl Looks {
            /// Answers by the flag that gives them, ours and theirs.
            pub fn hints(&self) -> [Vec<(String, String)>; 2] {
                let given = |values: &[(&str, &Option<String>)]| {
                    let one = |(name, value): &(&str, &Option<String>)| {
                        value.as_ref().map(|value| ((*name).to_owned(), value.clone()))
                    };
                    values.iter().filter_map(one).collect::<Vec<_>>()
                };
                [given(&[$(($flag, &self.$ours)),+]), given(&[$(($flag, &self.$theirs)),+])]
            }
        }
    };
}

looks! {
    /// Zone of our times, where they name none: +08:00 or Asia/Shanghai
    "zone" ours_zone theirs_zone "ZONE",
    /// Whether day or month stands first in our dates: dmy or mdy
    "date-order" ours_date_order theirs_date_order "ORDER",
    /// Decimal sign of our amounts: a point or a comma
    "decimal" ours_decimal theirs_decimal "SIGN",
    /// Sign between our fields: `,`, `;`, `|` or `tab`
    "delimiter" ours_delimiter theirs_delimiter "SIGN",
    /// What our columns hold, from the left: caller,callee,start,duration,-,amount
    "columns" ours_columns theirs_columns "ROLES",
    /// Unit of our durations: s, ms, us or min
    "duration-unit" ours_duration_unit theirs_duration_unit "UNIT",
    /// Encoding of our file: utf-8, utf-16le, gb18030
    "encoding" ours_encoding theirs_encoding "NAME",
}
