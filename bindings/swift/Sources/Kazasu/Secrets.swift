import Foundation

/// Digits of a PIN on their way from the keys to the card.
///
/// The bytes lie in one block that never moves and is overwritten on ``wipe()``, when the object goes away, and a minute
/// after the first digit. Make one for each entry; ``KazasuSession`` wipes it as soon as the card has seen the PIN.
///
/// What Swift cannot promise: up to 14 bytes that pass through `Data` may stay in a stack frame until it is reused.
public final class PinEntry: @unchecked Sendable {
    /// How long an entry that was not sent may wait for another tap, in seconds.
    public static let lifetime: TimeInterval = 60
    /// The longest PIN of the card, in bytes.
    public static let capacity = 16

    private let lock = NSLock()
    private let bytes: UnsafeMutableRawPointer
    private var used = 0
    private var generation = 0
    private var lent = 0
    private var wipeOnReturn = false

    /// An empty entry.
    public init() {
        bytes = UnsafeMutableRawPointer.allocate(byteCount: Self.capacity, alignment: 1)
        bytes.initializeMemory(as: UInt8.self, repeating: 0, count: Self.capacity)
    }

    /// Takes over `pin` and overwrites the caller's array, also when it is too long, which leaves the entry empty.
    public convenience init(wiping pin: inout [UInt8]) {
        self.init()
        if pin.count <= Self.capacity {
            for byte in pin { append(byte) }
        }
        pin.withUnsafeMutableBytes { overwrite($0.baseAddress, $0.count) }
        pin.removeAll()
    }

    deinit {
        overwrite(bytes, Self.capacity)
        bytes.deallocate()
    }

    /// How many characters were entered.
    public var count: Int { locked { used } }

    /// Adds one character in ASCII; ignored when it is one too many or while a tap uses the entry.
    public func append(_ byte: UInt8) {
        let begun: Int? = locked {
            guard lent == 0, used < Self.capacity else { return nil }
            bytes.storeBytes(of: byte, toByteOffset: used, as: UInt8.self)
            used += 1
            return used == 1 ? generation : nil
        }
        guard let entry = begun else { return }
        DispatchQueue.global().asyncAfter(deadline: .now() + Self.lifetime) { [weak self] in
            self?.wipe(onlyIf: entry)
        }
    }

    /// Takes the last character back.
    public func removeLast() {
        locked {
            guard lent == 0, used > 0 else { return }
            used -= 1
            bytes.storeBytes(of: 0, toByteOffset: used, as: UInt8.self)
        }
    }

    /// Overwrites everything; while a tap uses the entry, as soon as it returns.
    public func wipe() {
        wipe(onlyIf: nil)
    }

    /// Whether these digits are easy to guess; a hint for the PIN screen. `birthDate` is `YYYY-MM-DD`, `phone`
    /// the holder's number as typed.
    public func isGuessable(birthDate: String? = nil, phone: String? = nil) -> Bool {
        withData { isGuessablePin(pin: $0, birthDate: birthDate, phone: phone) }
    }

    /// Lends the bytes without copying them; they neither move nor change meanwhile. `body` must not keep the data.
    func withData<T>(_ body: (Data) throws -> T) rethrows -> T {
        let count: Int = locked {
            lent += 1
            return used
        }
        defer { giveBack() }
        return try body(Data(bytesNoCopy: bytes, count: count, deallocator: .none))
    }

    private func giveBack() {
        locked {
            lent -= 1
            if lent == 0, wipeOnReturn { clear() }
        }
    }

    private func wipe(onlyIf wanted: Int?) {
        locked {
            guard wanted == nil || wanted == generation else { return }
            if lent == 0 { clear() } else { wipeOnReturn = true }
        }
    }

    /// With the lock held and nothing lent.
    private func clear() {
        overwrite(bytes, Self.capacity)
        used = 0
        generation += 1
        wipeOnReturn = false
    }

    private func locked<T>(_ body: () throws -> T) rethrows -> T {
        lock.lock()
        defer { lock.unlock() }
        return try body()
    }
}

/// Writes zeros that the optimizer may not drop.
private func overwrite(_ start: UnsafeMutableRawPointer?, _ count: Int) {
    guard let start, count > 0 else { return }
    #if canImport(Darwin)
    _ = memset_s(start, count, 0, count)
    #else
    explicit_bzero(start, count)
    #endif
}
