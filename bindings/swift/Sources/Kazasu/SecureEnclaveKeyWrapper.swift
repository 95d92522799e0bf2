#if canImport(Security)
import Foundation
import Security

/// Locks a ``FamilyStore`` with P-256 keys in the Secure Enclave, one for each alias: they never leave the chip, are not
/// backed up, and open only while the device is unlocked.
///
/// What is wrapped is encrypted to the key's public half (ECIES with cofactor Diffie-Hellman, X9.63 derivation with SHA-256
/// and AES-GCM), so only opening needs the chip.
public final class SecureEnclaveKeyWrapper: KeyWrapper, Sendable {
    /// No I/O.
    public init() {}

    /// Under a new key, in place of one that may be left.
    public func wrap(alias: String, key: Data) throws -> Data {
        try Self.forget(alias)
        let made = try Self.make(alias)
        var error: Unmanaged<CFError>?
        guard let point = SecKeyCopyPublicKey(made),
              let wrapped = SecKeyCreateEncryptedData(point, Self.algorithm, key as CFData, &error)
        else { throw Self.refused(error) }
        return wrapped as Data
    }

    public func unwrap(alias: String, wrapped: Data) throws -> Data {
        guard let key = try Self.find(alias) else { throw KeyStoreError.Missing }
        var error: Unmanaged<CFError>?
        guard let opened = SecKeyCreateDecryptedData(key, Self.algorithm, wrapped as CFData, &error) else {
            throw Self.refused(error)
        }
        return opened as Data
    }

    public func delete(alias: String) throws -> KeyDeletion {
        try Self.forget(alias)
        return .complete
    }

    private static var algorithm: SecKeyAlgorithm { .eciesEncryptionCofactorX963SHA256AESGCM }

    private static func query(_ alias: String) -> [CFString: Any] {
        [
            kSecClass: kSecClassKey,
            kSecAttrKeyClass: kSecAttrKeyClassPrivate,
            kSecAttrKeyType: kSecAttrKeyTypeECSECPrimeRandom,
            kSecAttrApplicationTag: Data("org.kazasu.store-key|\(alias)".utf8),
        ]
    }

    private static func find(_ alias: String) throws -> SecKey? {
        var item: CFTypeRef?
        let wanted = query(alias).merging([kSecReturnRef: true]) { _, new in new }
        let status = SecItemCopyMatching(wanted as CFDictionary, &item)
        if status == errSecItemNotFound { return nil }
        guard status == errSecSuccess, let found = item, CFGetTypeID(found) == SecKeyGetTypeID() else {
            throw refused(status)
        }
        return (found as! SecKey)
    }

    private static func make(_ alias: String) throws -> SecKey {
        var error: Unmanaged<CFError>?
        guard
            let access = SecAccessControlCreateWithFlags(
                nil, kSecAttrAccessibleWhenUnlockedThisDeviceOnly, .privateKeyUsage, &error
            )
        else { throw refused(error) }
        let attributes: [CFString: Any] = [
            kSecAttrKeyType: kSecAttrKeyTypeECSECPrimeRandom,
            kSecAttrKeySizeInBits: 256,
            kSecAttrTokenID: kSecAttrTokenIDSecureEnclave,
            kSecPrivateKeyAttrs: [
                kSecAttrIsPermanent: true,
                kSecAttrApplicationTag: Data("org.kazasu.store-key|\(alias)".utf8),
                kSecAttrAccessControl: access,
            ] as [CFString: Any],
        ]
        guard let key = SecKeyCreateRandomKey(attributes as CFDictionary, &error) else { throw refused(error) }
        return key
    }

    private static func forget(_ alias: String) throws {
        let status = SecItemDelete(query(alias) as CFDictionary)
        guard status == errSecSuccess || status == errSecItemNotFound else { throw refused(status) }
    }

    /// A key that waits is told apart from one that fails: the device is locked, or was never unlocked since it started.
    private static func refused(_ status: OSStatus) -> KeyStoreError {
        status == errSecInteractionNotAllowed ? .Locked : .Failed(detail: "keychain \(status)")
    }

    /// Domain and number only: the platform's own words may name things.
    private static func refused(_ error: Unmanaged<CFError>?) -> KeyStoreError {
        guard let error = error?.takeRetainedValue() else { return .Failed(detail: "keychain: no reason given") }
        let domain = CFErrorGetDomain(error) as String
        let code = CFErrorGetCode(error)
        if domain == NSOSStatusErrorDomain, code == Int(errSecInteractionNotAllowed) { return .Locked }
        return .Failed(detail: "\(domain) \(code)")
    }
}
#endif
