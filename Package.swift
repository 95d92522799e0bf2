// swift-tools-version: 6.0
// Two copies of this file exist: SwiftPM by URL reads the one at the root of the repository, local work the one in
// bindings/swift. They differ in `home` only; tests/bindings/swift/check.sh compares them.

import PackageDescription

/// Folder of the package, seen from this file.
let home = "bindings/swift/"

/// Tests and Linux take the library of `cargo build -p kazasu-ffi --features simulator` instead of the XCFramework.
#if os(Linux)
let host = true
#else
let host = Context.environment["KAZASU_HOST"] != nil
#endif

let library: Target = host
    ? .systemLibrary(name: "kazasu_ffiFFI", path: home + "Host/kazasu_ffiFFI")
    // Local work: what bindings/scripts/build-xcframework.sh makes.
    : .binaryTarget(name: "kazasu_ffiFFI", path: home + "KazasuFFI.xcframework")
    // Release: put the line above away and fill this one in; the script prints the checksum.
    // : .binaryTarget(
    //     name: "kazasu_ffiFFI",
    //     url: "https://example.org/kazasu/0.1.0/KazasuFFI.xcframework.zip",
    //     checksum: "0000000000000000000000000000000000000000000000000000000000000000"
    // )

var targets: [Target] = [
    library,
    .target(
        name: "KazasuFFI", dependencies: ["kazasu_ffiFFI"], path: home + "Sources/KazasuFFI", exclude: ["README.md"]
    ),
    .target(name: "Kazasu", dependencies: ["KazasuFFI"], path: home + "Sources/Kazasu"),
]
var dependencies: [Package.Dependency] = []

if host {
    dependencies.append(.package(url: "https://github.com/apple/swift-crypto.git", "3.0.0"..<"5.0.0"))
    targets.append(
        .testTarget(
            name: "KazasuTests",
            dependencies: ["Kazasu", .product(name: "Crypto", package: "swift-crypto")],
            path: home + "Tests/KazasuTests"
        )
    )
}

let package = Package(
    name: "Kazasu",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [.library(name: "Kazasu", targets: ["Kazasu"])],
    dependencies: dependencies,
    targets: targets,
    swiftLanguageModes: [.v6]
)
