import Foundation
import Kazasu

/// Which server is asked. The raw value is its folder in `Servers`.
enum Server: String, CaseIterable, Identifiable {
    case service, sandbox

    var id: String { rawValue }
}

/// The settings, in memory.
@MainActor
final class Settings: ObservableObject {
    @Published var server: Server
    @Published var simulated = false
    let configs: [Server: BackendConfig]

    init() {
        var found: [Server: BackendConfig] = [:]
        for server in Server.allCases {
            found[server] = ClientFile.read(folder: server.rawValue)
        }
        configs = found
        server = found[.service] == nil && found[.sandbox] != nil ? .sandbox : .service
    }

    /// Whether this build has the simulated card.
    static var canSimulate: Bool {
        #if DEBUG && KAZASU_SIMULATOR
        return true
        #else
        return false
        #endif
    }

    /// The chosen server, asked what this person agreed to. The notice names it, for the card signs the notice.
    func config(for person: Person) -> BackendConfig? {
        guard var config = configs[server] else { return nil }
        config.consents = person.limitConsent ? ["limit-certificate"] : []
        if person.limitConsent {
            config.noticeId += "+limit"
            config.noticeText += "\n" + text("notice.limit")
        }
        return config
    }
}

/// `client.json` and the certificates it names, as the server's operator hands them out.
enum ClientFile {
    private struct File: Decodable {
        struct Notice: Decodable { let id, text: String }
        let issuer, fhirBase, clientId, pinsNotAfter: String
        let tlsRoots, cardRoots, pins: [String]
        let notice: Notice
        let scope: String?
    }

    /// Nothing when there is no such file or it cannot be read.
    static func read(folder: String) -> BackendConfig? {
        guard let url = Bundle.main.url(forResource: "client", withExtension: "json", subdirectory: "Servers/\(folder)"),
              let data = try? Data(contentsOf: url)
        else { return nil }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        guard let file = try? decoder.decode(File.self, from: data) else { return nil }
        let roots = { (names: [String]) in
            names.compactMap { certificate(url.deletingLastPathComponent().appendingPathComponent($0)) }
        }
        return BackendConfig(
            issuer: file.issuer, fhirBase: file.fhirBase, clientId: file.clientId,
            tlsRoots: roots(file.tlsRoots), cardRoots: roots(file.cardRoots),
            pins: file.pins, pinsNotAfter: file.pinsNotAfter,
            noticeId: file.notice.id, noticeText: file.notice.text, scope: file.scope
        )
    }

    /// PEM or DER.
    private static func certificate(_ url: URL) -> Data? {
        guard let data = try? Data(contentsOf: url) else { return nil }
        guard let pem = String(data: data, encoding: .utf8), pem.hasPrefix("-----BEGIN") else { return data }
        return Data(base64Encoded: pem.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("-----") }.joined())
    }
}
