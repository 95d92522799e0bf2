#if canImport(Security)
import Foundation
import Security

/// Signs the log of a ``FamilyStore``: a key of its own in the Secure Enclave, made with the store and at no other time.
public final class SecureEnclaveLogKey: MadeAtFirstUse, Sendable {
    private let makes: Bool

    /// No I/O.
    public convenience init() {
        self.init(makes: true)
    }

    private init(makes: Bool) {
        self.makes = makes
    }

    public func onlyIfThere() -> any DeviceKey {
        SecureEnclaveLogKey(makes: false)
    }

    public func publicKey() throws -> Data {
        try key().publicKey()
    }

    public func signSha256(message: Data) throws -> Data {
        try key().signSha256(message: message)
    }

    private func key() throws -> SecureEnclaveDeviceKey {
        do {
            if makes { return try SecureEnclaveDeviceKey(member: "log", issuer: "store") }
            guard let key = try SecureEnclaveDeviceKey.existing(member: "log", issuer: "store") else {
                throw DeviceKeyError.Missing
            }
            return key
        } catch KazasuError.DeviceKey(let detail) {
            throw DeviceKeyError.Failed(detail: detail)
        }
    }
}

/// A P-256 key in the Secure Enclave: one per member, issuer and installation. It never leaves the chip, is not backed
/// up, and answers only while the device is unlocked.
public final class SecureEnclaveDeviceKey: DeviceKey, @unchecked Sendable {
    private let key: SecKey

    /// Finds the key of this member for this issuer, or makes it.
    ///
    /// - Parameters:
    ///   - member: The app's own name for the member, such as a UUID; nothing personal.
    ///   - issuer: `BackendConfig.issuer`.
    /// - Throws: `KazasuError.DeviceKey` when the keychain refuses.
    public init(member: String, issuer: String) throws {
        let tag = Self.tag(member: member, issuer: issuer)
        key = try Self.find(tag) ?? Self.make(tag)
    }

    /// The key of a member who is registered: it is not made anew when it is gone.
    public static func existing(member: String, issuer: String) throws -> SecureEnclaveDeviceKey? {
        try find(tag(member: member, issuer: issuer)).map(SecureEnclaveDeviceKey.init(key:))
    }

    private init(key: SecKey) {
        self.key = key
    }

    /// Removes the key: part of removing a member. Removing an absent key is fine.
    public static func remove(member: String, issuer: String) throws {
        let status = SecItemDelete(query(tag(member: member, issuer: issuer)) as CFDictionary)
        guard status == errSecSuccess || status == errSecItemNotFound else { throw refused(status) }
    }

    /// The public point in the form of X9.63: `04 ‖ x ‖ y`.
    public func publicKey() throws -> Data {
        var error: Unmanaged<CFError>?
        guard let point = SecKeyCopyPublicKey(key),
              let bytes = SecKeyCopyExternalRepresentation(point, &error)
        else { throw DeviceKeyError.Failed(detail: Self.describe(error)) }
        return bytes as Data
    }

    /// ECDSA with SHA-256, DER encoded.
    public func signSha256(message: Data) throws -> Data {
        var error: Unmanaged<CFError>?
        guard
            let signature = SecKeyCreateSignature(key, .ecdsaSignatureMessageX962SHA256, message as CFData, &error)
        else { throw DeviceKeyError.Failed(detail: Self.describe(error)) }
        return signature as Data
    }

    private static func tag(member: String, issuer: String) -> Data {
        Data("org.kazasu.device-key|\(member)|\(issuer)".utf8)
    }

    private static func query(_ tag: Data) -> [CFString: Any] {
        [
            kSecClass: kSecClassKey,
            kSecAttrKeyClass: kSecAttrKeyClassPrivate,
            kSecAttrKeyType: kSecAttrKeyTypeECSECPrimeRandom,
            kSecAttrApplicationTag: tag,
        ]
    }

    private static func find(_ tag: Data) throws -> SecKey? {
        var item: CFTypeRef?
        let wanted = query(tag).merging([kSecReturnRef: true]) { _, new in new }
        let status = SecItemCopyMatching(wanted as CFDictionary, &item)
        if status == errSecItemNotFound { return nil }
        guard status == errSecSuccess, let found = item, CFGetTypeID(found) == SecKeyGetTypeID() else {
            throw refused(status)
        }
        return (found as! SecKey)
    }

    private static func make(_ tag: Data) throws -> SecKey {
        var error: Unmanaged<CFError>?
        guard
            let access = SecAccessControlCreateWithFlags(
                nil, kSecAttrAccessibleWhenUnlockedThisDeviceOnly, .privateKeyUsage, &error
            )
        else { throw KazasuError.DeviceKey(detail: describe(error)) }
        let attributes: [CFString: Any] = [
            kSecAttrKeyType: kSecAttrKeyTypeECSECPrimeRandom,
            kSecAttrKeySizeInBits: 256,
            kSecAttrTokenID: kSecAttrTokenIDSecureEnclave,
            kSecPrivateKeyAttrs: [
                kSecAttrIsPermanent: true,
                kSecAttrApplicationTag: tag,
                kSecAttrAccessControl: access,
            ] as [CFString: Any],
        ]
        guard let key = SecKeyCreateRandomKey(attributes as CFDictionary, &error) else {
            throw KazasuError.DeviceKey(detail: describe(error))
        }
        return key
    }

    private static func refused(_ status: OSStatus) -> KazasuError {
        .DeviceKey(detail: "keychain \(status)")
    }

    /// Domain and number only: the platform's own words may name things.
    private static func describe(_ error: Unmanaged<CFError>?) -> String {
        guard let error = error?.takeRetainedValue() else { return "keychain: no reason given" }
        return "\(CFErrorGetDomain(error) as String) \(CFErrorGetCode(error))"
    }
}
#endif
