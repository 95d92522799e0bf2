extension TransportLimits {
    /// Short APDUs only (ISO/IEC 7816-4): 261 bytes out, 258 bytes back. What a `CardTransport` says that fails at longer ones.
    public static let short = TransportLimits(maxCommand: 261, maxResponse: 258)
}
