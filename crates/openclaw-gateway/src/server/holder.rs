/// The process that listens on a port, such as `openclaw (process 4711)`, as Linux tells it; `None`
/// where it does not, or the process belongs to somebody else.
pub(super) fn holder_of(port: u16) -> Option<String> {
    let sockets: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .flat_map(|table| listening_inodes(&table, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    std::fs::read_dir("/proc").ok()?.flatten().find_map(|process| {
        let number = process.file_name().into_string().ok()?;
        // Others, such as `self`, are not processes of their own.
        number.parse::<u32>().ok()?;
        let folder = process.path();
        let holds = std::fs::read_dir(folder.join("fd")).ok()?.flatten().any(|file| {
            std::fs::read_link(file.path())
                .is_ok_and(|target| sockets.iter().any(|socket| *target.as_os_str() == **socket))
        });
        let name = holds.then(|| std::fs::read_to_string(folder.join("comm")).ok()).flatten()?;
        Some(format!("{} (process {number})", name.trim()))
    })
}

fn listening_inodes(table: &str, port: u16) -> Vec<String> {
    let wanted = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|fields| fields.len() > 9 && fields[1].ends_with(&wanted) && fields[3] == "0A")
        .map(|fields| fields[9].to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{holder_of, listening_inodes};

    #[test]
    fn reads_the_table_of_the_kernel() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   0: 0100007F:4965 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 31337 1 0 100 0 0 10 0\n   1: 0100007F:4965 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 4 1 0 20 4 30 10 -1\n";
        assert_eq!(listening_inodes(table, 18_789), ["31337"]);
        assert!(listening_inodes(table, 80).is_empty());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn finds_this_process() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
        let port = listener.local_addr().expect("bound").port();
        let holder = holder_of(port).expect("this process holds it");
        assert!(holder.ends_with(&format!("(process {})", std::process::id())), "{holder}");
    }
}
