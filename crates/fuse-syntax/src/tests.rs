#[test]
fn demo() {
    let path = std::env::var("FUSE_DEMO").unwrap_or_default();
    let Ok(text) = std::fs::read_to_string(path) else { return };
    for formula in text.split("\n---\n") {
        println!("===== {formula}");
        match crate::parse(formula, &crate::SyntaxLimits::default()) {
            Ok(ast) => println!("{ast}"),
            Err(errors) => {
                for error in errors {
                    println!("{}\n", error.render(formula, crate::Color::Never));
                }
            }
        }
    }
}
